-- name: append
-- Append events with ids $1 (uuid[]), topics $2 (text[]), payloads $3 (bytea[]) and traces $4 (text[]).
INSERT INTO outbox (id, topic, payload, traceparent)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[]);

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
