-- name: find_group
-- A group by its number or, if $2 is not null, by its full path, with a user's role in it.
SELECT
    namespaces.namespace_id, parent_id, path, full_path, name, full_name, description, visibility,
    creation_time,
    coalesce((SELECT max(access_level) FROM roles($3, namespaces.namespace_id, NULL, $4)), 0)
        AS access_level
FROM namespaces
WHERE owner_id IS NULL AND (namespace_id = $1 OR lower(full_path) = lower($2));

-- name: list_groups
-- A page of the groups that are visible to a user, with the total.
-- $1: the user (0: anonymous). $2: today. $3: all groups. $4: a part of the path or the name.
SELECT
    namespaces.namespace_id, parent_id, path, full_path, name, full_name, description, visibility,
    creation_time, role.access_level,
    count(*) OVER () AS total
FROM namespaces
CROSS JOIN LATERAL (
    SELECT coalesce(max(access_level), 0) AS access_level
    FROM roles($1, namespaces.namespace_id, NULL, $2)
) AS role
WHERE owner_id IS NULL
    AND ($3 OR visibility = 'public' OR (visibility = 'internal' AND $1 <> 0) OR role.access_level > 0)
    AND ($4::text IS NULL OR position(lower($4) IN lower(full_path || ' ' || name)) > 0)
ORDER BY lower(name), namespace_id
LIMIT $5 OFFSET $6;

-- name: create_group
-- Insert a group into another group or at the top level. No row means that the path is taken: by a
-- group, a project or, at the top level, a user, whose own namespace may not exist yet.
INSERT INTO namespaces
    (parent_id, path, full_path, name, full_name, description, visibility, creation_time)
SELECT
    $1,
    $2,
    coalesce(above.full_path || '/', '') || $2,
    $3,
    coalesce(above.full_name || ' / ', '') || $3,
    $4,
    $5,
    $6
FROM (SELECT 1) AS one
LEFT JOIN namespaces AS above ON above.namespace_id = $1
WHERE NOT EXISTS (
        SELECT FROM projects
        WHERE lower(full_path) = lower(coalesce(above.full_path || '/', '') || $2)
            AND deletion_time IS NULL
    )
    AND (above.namespace_id IS NOT NULL OR NOT EXISTS (
        SELECT FROM users WHERE lower(username) = lower($2)
    ))
ON CONFLICT DO NOTHING
RETURNING namespace_id;

-- name: ensure_user_namespace
-- Create a user's own namespace if it does not exist.
INSERT INTO namespaces (owner_id, path, full_path, name, full_name, creation_time)
SELECT user_id, username, username, name, name, $2 FROM users WHERE user_id = $1
ON CONFLICT DO NOTHING;

-- name: find_user_namespace
SELECT namespace_id FROM namespaces WHERE owner_id = $1;
