-- name: find
-- The replies stored under any of the ids $1 (uuid[]); NULL replies: begun, in pieces.
SELECT id, replies FROM inbox WHERE id = ANY($1::uuid[]);

-- name: store
-- Store replies $2 (bytea[]) under the ids $1 (uuid[]); a conflict means that somebody else did.
INSERT INTO inbox (id, replies) SELECT * FROM unnest($1::uuid[], $2::bytea[]);

-- name: begin_in_pieces
-- Say that the frame $1 is being carried out one by one.
INSERT INTO inbox (id) VALUES ($1) ON CONFLICT DO NOTHING;

-- name: finish_in_pieces
-- Store the replies $2 of a frame $1 that was carried out one by one.
UPDATE inbox SET replies = $2 WHERE id = $1;

-- name: prune
-- Forget what is older than $1 (interval).
DELETE FROM inbox WHERE received_at < now() - $1::interval;
