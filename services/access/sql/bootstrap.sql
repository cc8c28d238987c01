-- name: lock_root
-- Let one process at a time look after the first administrator's tokens.
SELECT user_id FROM users WHERE user_id = 1 FOR UPDATE;

-- name: has_token
-- Whether the first administrator ever had a token.
SELECT EXISTS (SELECT FROM tokens WHERE user_id = 1);

-- name: insert_root_token
-- Give the first administrator a token; one that is known, perhaps revoked, stays as it is.
INSERT INTO tokens (digest, user_id, name, scopes, creation_time)
VALUES ($1, 1, $2, '{api}', $3)
ON CONFLICT (digest) DO NOTHING;
