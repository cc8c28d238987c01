-- name: list_projects
-- A page of numbers of projects that are visible to a user, with the total.
-- $1: the user (0: anonymous). $2: today. $3: all projects. $4: a part of the path or the name.
-- $5: a visibility. $6: only where the user has a role. $7: only where the user is Owner.
-- $8: the sort key. $9: descending. ORDER BY has an expression for each type and direction, because
-- a CASE can't mix text and numbers.
SELECT projects.project_id, count(*) OVER () AS total
FROM projects
CROSS JOIN LATERAL (
    SELECT coalesce(max(access_level), 0) AS access_level
    FROM roles($1, projects.namespace_id, projects.project_id, $2)
) AS role
CROSS JOIN LATERAL (
    SELECT
        CASE $8 WHEN 'name' THEN lower(name) WHEN 'path' THEN lower(path) END AS text,
        CASE $8
            WHEN 'id' THEN project_id
            WHEN 'created_at' THEN creation_time
            WHEN 'updated_at' THEN last_updated_time
            WHEN 'last_activity_at' THEN last_updated_time
        END AS number
) AS sorted
WHERE deletion_time IS NULL
    AND ($3 OR visibility = 'public' OR (visibility = 'internal' AND $1 <> 0) OR role.access_level > 0)
    AND ($4::text IS NULL OR position(lower($4) IN lower(full_path || ' ' || name)) > 0)
    AND ($5::text IS NULL OR visibility = $5)
    AND (NOT $6 OR role.access_level > 0)
    AND (NOT $7 OR role.access_level = 50)
ORDER BY
    CASE WHEN NOT $9 THEN sorted.text END,
    CASE WHEN NOT $9 THEN sorted.number END,
    CASE WHEN $9 THEN sorted.text END DESC,
    CASE WHEN $9 THEN sorted.number END DESC,
    CASE WHEN $9 THEN -project_id ELSE project_id END
LIMIT $10 OFFSET $11;

-- name: read_projects
-- Projects in the given order, with their namespaces. own_level is a user's direct role,
-- group_level the inherited one.
SELECT
    projects.project_id, projects.path, projects.full_path, projects.name, projects.description,
    projects.visibility, projects.model_experiments_access_level,
    projects.model_registry_access_level, projects.creator_id, projects.creation_time,
    projects.last_updated_time,
    namespaces.namespace_id, namespaces.parent_id, namespaces.owner_id,
    namespaces.path AS namespace_path,
    namespaces.full_path AS namespace_full_path,
    namespaces.name AS namespace_name,
    namespaces.full_name AS namespace_full_name,
    (SELECT max(access_level) FROM roles($2, NULL, projects.project_id, $3)) AS own_level,
    (SELECT max(access_level) FROM roles($2, projects.namespace_id, NULL, $3)) AS group_level
FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (project_id, position)
JOIN projects USING (project_id)
JOIN namespaces USING (namespace_id)
WHERE deletion_time IS NULL
ORDER BY wanted.position;

-- name: create_project
-- Insert a project. No row means that the path or the workspace's short name is taken.
INSERT INTO projects (
    namespace_id, path, full_path, name, description, visibility,
    model_experiments_access_level, model_registry_access_level,
    creator_id, creation_time, last_updated_time, workspace
)
SELECT namespace_id, $2, full_path || '/' || $2, $3, $4, $5, $6, $7, $8, $9, $9, $10
FROM namespaces AS home
WHERE namespace_id = $1
    AND NOT EXISTS (
        SELECT FROM namespaces AS other
        WHERE lower(other.full_path) = lower(home.full_path || '/' || $2)
    )
ON CONFLICT DO NOTHING
RETURNING project_id;

-- name: update_project
-- Change the columns whose values are not null.
UPDATE projects SET
    name = coalesce($2, name),
    description = coalesce($3, description),
    visibility = coalesce($4, visibility),
    model_experiments_access_level = coalesce($5, model_experiments_access_level),
    model_registry_access_level = coalesce($6, model_registry_access_level),
    last_updated_time = $7
WHERE project_id = $1
RETURNING project_id;

-- name: delete_project
-- Hide a project.
UPDATE projects SET deletion_time = $2 WHERE project_id = $1 RETURNING project_id;
