-- name: find
-- Return the replies stored under the ids $1 (uuid[]). NULL replies: the frame was begun one by one.
SELECT id, replies FROM inbox WHERE id = ANY($1::uuid[]);

-- name: store
-- Store replies $2 (bytea[]) under the ids $1 (uuid[]). Without ON CONFLICT: a known id must fail the
-- transaction, because a copy of the same work was committed.
INSERT INTO inbox (id, replies) SELECT * FROM unnest($1::uuid[], $2::bytea[]);

-- name: begin_one_by_one
-- Mark the frame $1 as begun one by one. ON CONFLICT: a worker before this one may have begun it.
INSERT INTO inbox (id) VALUES ($1) ON CONFLICT DO NOTHING;

-- name: finish_one_by_one
-- Store the replies $2 (bytea) of the frame $1 that was carried out one by one.
UPDATE inbox SET replies = $2 WHERE id = $1;

-- name: prune
-- Delete rows that are older than $1 (interval).
DELETE FROM inbox WHERE received_at < now() - $1::interval;
