-- An event belongs to the trace of the command that it tells of (W3C's traceparent); empty where nobody traces.

ALTER TABLE outbox ADD COLUMN traceparent text NOT NULL DEFAULT '';
