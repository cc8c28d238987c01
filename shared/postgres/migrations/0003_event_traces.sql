-- An event belongs to the trace of the command that emitted it (W3C's traceparent). Empty without tracing.

ALTER TABLE outbox ADD COLUMN traceparent text NOT NULL DEFAULT '';
