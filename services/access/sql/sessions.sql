-- name: lock_token
-- A token that is not revoked, by its digest ($1), and its user. It can't be revoked until the end
-- of the transaction, so that a revocation sees the session that this transaction makes.
SELECT tokens.token_id, tokens.expires_at, users.user_id, users.username, users.state
FROM tokens
JOIN users USING (user_id)
WHERE tokens.digest = $1 AND tokens.revocation_time IS NULL
FOR SHARE OF tokens;

-- name: create_session
-- Insert a session.
INSERT INTO sessions (digest, token_id, creation_time, last_used_time, expiry_time)
VALUES ($1, $2, $3, $3, $4);

-- name: delete_expired
-- Delete the sessions whose time is over. A gateway forgets them by itself.
DELETE FROM sessions WHERE expiry_time <= $1;

-- name: delete_oldest
-- Delete all sessions of a token ($1) but the newest $2.
DELETE FROM sessions
WHERE session_id IN (
    SELECT session_id FROM sessions WHERE token_id = $1 ORDER BY session_id DESC OFFSET $2
)
RETURNING digest;

-- name: delete_session
-- Delete a session by its digest.
DELETE FROM sessions WHERE digest = $1 RETURNING digest;

-- name: delete_sessions_of_user
-- Delete all sessions of a user.
DELETE FROM sessions
USING tokens
WHERE tokens.token_id = sessions.token_id AND tokens.user_id = $1
RETURNING sessions.digest;

-- name: delete_sessions_of_tokens
-- Delete all sessions of some tokens, given by their digests.
DELETE FROM sessions
USING tokens
WHERE tokens.token_id = sessions.token_id AND tokens.digest = ANY($1::bytea[])
RETURNING sessions.digest;

-- name: list_sessions
-- The sessions of a user ($1) at a time ($2), the newest first, at most $3.
SELECT
    sessions.digest,
    sessions.creation_time,
    sessions.last_used_time,
    sessions.expiry_time,
    tokens.name AS token_name
FROM sessions
JOIN tokens USING (token_id)
WHERE tokens.user_id = $1
    AND sessions.expiry_time > $2
    AND tokens.revocation_time IS NULL
ORDER BY sessions.session_id DESC
LIMIT $3;

-- name: find_session
-- A session by its digest.
SELECT sessions.session_id, sessions.last_used_time, sessions.expiry_time, tokens.digest AS token_digest
FROM sessions
JOIN tokens USING (token_id)
WHERE sessions.digest = $1;

-- name: touch_session
-- Store the time of a session's last use.
UPDATE sessions SET last_used_time = $2 WHERE session_id = $1;
