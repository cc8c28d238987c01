-- name: append
-- Append events with ids $1 (uuid[]), topics $2 (text[]), payloads $3 (bytea[]) and traces $4 (text[]).
INSERT INTO outbox (id, topic, payload, traceparent)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[]);

-- name: lock
-- Return whether this transaction is the only relay. One at a time keeps events in the order of their
-- positions. It does not wait for the lock: the relay that has it publishes these events as well.
SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || '.outbox'));

-- name: lag
-- Return the age of the oldest event in seconds.
SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 FROM outbox ORDER BY position LIMIT 1;

-- name: take
-- Remove and return the oldest $1 events. DELETE returns rows in any order, so they are sorted again.
WITH taken AS (
    DELETE FROM outbox
    WHERE position IN (SELECT position FROM outbox ORDER BY position LIMIT $1)
    RETURNING position, id, topic, payload, traceparent
)
SELECT id, topic, payload, traceparent FROM taken ORDER BY position;
