-- name: set_alias
-- Point an alias to a version. An existing alias moves. No row: no such version.
WITH version AS (
    SELECT versions.registered_model_id, versions.version
    FROM registered_models AS models
    JOIN model_versions AS versions USING (project_id, registered_model_id)
    WHERE models.project_id = $1 AND models.name = $2 AND versions.version = $3
    FOR KEY SHARE OF versions
)
INSERT INTO model_aliases (project_id, registered_model_id, alias, version)
SELECT $1, registered_model_id, $4, version FROM version
ON CONFLICT (project_id, registered_model_id, alias) DO UPDATE SET version = excluded.version
RETURNING registered_model_id;

-- name: delete_alias
-- Remove an alias. No row: there was no such alias.
DELETE FROM model_aliases
WHERE project_id = $1 AND registered_model_id = $2 AND alias = $3
RETURNING alias;

-- name: find_alias
-- The version that an alias points to.
SELECT version FROM model_aliases
WHERE project_id = $1 AND registered_model_id = $2 AND alias = $3;

-- name: newest_version
-- The highest number of a model's versions.
SELECT max(version) FROM model_versions WHERE project_id = $1 AND registered_model_id = $2;
