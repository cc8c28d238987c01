-- name: find_number
-- A project by its short name ($1) or, if it has none, by its full path ($2, in lower case).
SELECT project_id FROM projects
WHERE deletion_time IS NULL
    AND (workspace = $1 OR (workspace IS NULL AND lower(full_path) = $2));

-- name: list_workspaces
-- The projects that are visible to a user ($1, today: $2), or all of them if $3. $4 selects one if
-- it is not null.
SELECT
    projects.project_id,
    projects.full_path,
    projects.workspace,
    projects.description,
    projects.visibility,
    projects.model_experiments_access_level,
    projects.model_registry_access_level,
    role.access_level
FROM projects
CROSS JOIN LATERAL (
    SELECT coalesce(max(access_level), 0) AS access_level
    FROM roles($1, projects.namespace_id, projects.project_id, $2)
) AS role
WHERE deletion_time IS NULL
    AND ($3 OR visibility <> 'private' OR role.access_level > 0)
    AND ($4::bigint IS NULL OR projects.project_id = $4);
