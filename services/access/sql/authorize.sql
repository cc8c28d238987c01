-- name: find_token_user
-- A token and its user.
SELECT
    tokens.token_id,
    tokens.scopes,
    tokens.expires_at,
    tokens.revocation_time IS NOT NULL AS revoked,
    tokens.last_used_time,
    users.user_id,
    users.username,
    users.state,
    users.is_admin
FROM tokens
JOIN users USING (user_id)
WHERE tokens.digest = $1;

-- name: find_project
-- A project by its number ($1) or its full path ($2), with a user's highest role in it.
-- One of $1 and $2 may be null. $3: the user. $4: today.
SELECT
    projects.project_id,
    projects.namespace_id,
    projects.full_path,
    projects.name,
    projects.visibility,
    projects.model_experiments_access_level,
    projects.model_registry_access_level,
    coalesce(role.access_level, 0) AS access_level,
    role.expires_at
FROM projects
CROSS JOIN LATERAL (
    SELECT max(access_level) AS access_level, min(expires_at) AS expires_at
    FROM roles($3, projects.namespace_id, projects.project_id, $4)
) AS role
WHERE projects.deletion_time IS NULL
    AND (projects.project_id = $1 OR lower(projects.full_path) = lower($2));

-- name: touch_token
-- Store the time of a token's last use.
UPDATE tokens SET last_used_time = $2 WHERE token_id = $1;
