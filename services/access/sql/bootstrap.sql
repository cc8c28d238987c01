-- name: lock_root
-- Lock the first administrator: only one process at a time may create its tokens.
SELECT user_id FROM users WHERE user_id = 1 FOR UPDATE;

-- name: has_token
-- Whether the first administrator ever had a token.
SELECT EXISTS (SELECT FROM tokens WHERE user_id = 1);

-- name: insert_root_token
-- Give the first administrator a token. An existing token stays as it is, even a revoked one.
INSERT INTO tokens (digest, user_id, name, scopes, creation_time)
VALUES ($1, 1, $2, '{api}', $3)
ON CONFLICT (digest) DO NOTHING;
