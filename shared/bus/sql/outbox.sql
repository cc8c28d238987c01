-- name: append
-- Append events with topics $1 (text[]), payloads $2 (bytea[]) and traces $3 (text[]).
INSERT INTO outbox (topic, payload, traceparent)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[]);

-- name: lock
-- One relay at a time, so that events leave in the order of their positions.
SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || '.outbox'));

-- name: lag
-- Age in seconds of the oldest event.
SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 FROM outbox ORDER BY position LIMIT 1;

-- name: take
-- Remove and return the oldest $1 events.
WITH taken AS (
    DELETE FROM outbox
    WHERE position IN (SELECT position FROM outbox ORDER BY position LIMIT $1)
    RETURNING position, id, topic, payload, traceparent
)
SELECT id, topic, payload, traceparent FROM taken ORDER BY position;
