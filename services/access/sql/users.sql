-- name: find_user
SELECT user_id, username, name, email, state, is_admin, is_bot, creation_time
FROM users WHERE user_id = $1;

-- name: list_users
-- A page of users without bots, with the total. $1: a username. $2: a part of a name.
SELECT
    user_id, username, name, email, state, is_admin, is_bot, creation_time,
    count(*) OVER () AS total
FROM users
WHERE NOT is_bot
    AND ($1::text IS NULL OR lower(username) = lower($1))
    AND ($2::text IS NULL OR position(lower($2) IN lower(username || ' ' || name)) > 0)
ORDER BY user_id DESC
LIMIT $3 OFFSET $4;

-- name: create_user
-- Insert a user. No row means that the username, or a group's path, is taken.
INSERT INTO users (username, name, email, is_admin, is_bot, creation_time)
SELECT $1, $2, $3, $4, $5, $6
WHERE NOT EXISTS (SELECT FROM namespaces WHERE lower(full_path) = lower($1))
ON CONFLICT DO NOTHING
RETURNING user_id, username, name, email, state, is_admin, is_bot, creation_time;

-- name: set_state
-- Block or unblock a user.
UPDATE users SET state = $2 WHERE user_id = $1 AND NOT is_bot
RETURNING user_id, username, name, email, state, is_admin, is_bot, creation_time;
