-- name: create_model_version
-- Take a locked model's next number and insert a version and its tags. The counter belongs to the
-- transaction, so a refused command leaves no gap.
WITH model AS (
    UPDATE registered_models SET next_version = next_version + 1, last_updated_time = $3
    WHERE project_id = $1 AND registered_model_id = $2
    RETURNING registered_model_id, name, next_version - 1 AS version
),
created AS (
    INSERT INTO model_versions (
        project_id, registered_model_id, name, version, creation_time, last_updated_time, user_id,
        description, source, storage_location, run_id, run_link, model_id, semver, semver_key,
        run_claim
    )
    SELECT
        $1, registered_model_id, name, version, $3, $3, $4, $5, $6, $7, $8, $9, $10, $13, $14, $15
    FROM model
    RETURNING version, id
),
tagged AS (
    INSERT INTO model_version_tags (project_id, registered_model_id, version, key, value)
    SELECT $1, registered_model_id, version, tag.key, tag.value
    FROM model, unnest($11::text[], $12::text[]) AS tag (key, value)
)
SELECT version, id FROM created;

-- name: run_has_version
-- Whether any version has a run. Many versions have none: their run_id is ''.
SELECT EXISTS (
    SELECT FROM model_versions WHERE project_id = $1 AND run_id = $2 AND run_id <> ''
);

-- name: are_staged
-- Whether any version of a model is in one of the stages $3.
SELECT EXISTS (
    SELECT FROM model_versions
    WHERE project_id = $1 AND registered_model_id = $2 AND stage = ANY($3::text[])
);

-- name: highest_version
-- The version of a model with the highest semantic version, in stage $3 unless that is NULL. Of
-- versions with equal precedence it is the later one.
SELECT version, semver FROM model_versions
WHERE project_id = $1 AND registered_model_id = $2 AND stage = coalesce($3, stage)
ORDER BY semver_key DESC, version DESC
LIMIT 1;

-- name: find_version_by_id_or_semver
-- The version of a model that has the id $3 or the semantic version $4.
SELECT version FROM model_versions
WHERE project_id = $1 AND registered_model_id = $2 AND (id = $3 OR semver = $4);

-- name: find_version_by_id
-- The version with an id, which is unique in the project.
SELECT registered_model_id, version FROM model_versions WHERE project_id = $1 AND id = $2;

-- name: find_model_version
-- What a copy or a download of a version needs, and its model's id.
SELECT
    versions.registered_model_id, versions.storage_location, versions.run_id, versions.model_id,
    versions.id
FROM registered_models AS models
JOIN model_versions AS versions USING (project_id, registered_model_id)
WHERE models.project_id = $1 AND models.name = $2 AND versions.version = $3;

-- name: update_model_version
-- Replace the description. No row: no such version.
UPDATE model_versions SET description = $4, last_updated_time = $5
FROM registered_models AS models
WHERE models.project_id = $1
    AND models.name = $2
    AND model_versions.project_id = $1
    AND model_versions.registered_model_id = models.registered_model_id
    AND model_versions.version = $3
RETURNING model_versions.registered_model_id;

-- name: transition_stage
-- Move a version of a locked model to a stage. No row: no such version.
WITH moved AS (
    UPDATE model_versions SET stage = $4, last_updated_time = $5
    WHERE project_id = $1 AND registered_model_id = $2 AND version = $3
    RETURNING registered_model_id
),
touched AS (
    UPDATE registered_models SET last_updated_time = $5
    FROM moved
    WHERE registered_models.project_id = $1
        AND registered_models.registered_model_id = moved.registered_model_id
)
SELECT registered_model_id FROM moved;

-- name: archive_others
-- Move the versions of a locked model that are in stage $4 to Archived, except version $3.
UPDATE model_versions SET stage = 'Archived', last_updated_time = $5
WHERE project_id = $1 AND registered_model_id = $2 AND version <> $3 AND stage = $4
RETURNING version;

-- name: delete_model_version
-- Delete a version of a locked model and, by the foreign keys, its tags and aliases. No row: no
-- such version.
WITH deleted AS (
    DELETE FROM model_versions
    WHERE project_id = $1 AND registered_model_id = $2 AND version = $3
    RETURNING registered_model_id, run_claim
),
touched AS (
    UPDATE registered_models SET last_updated_time = $4
    FROM deleted
    WHERE registered_models.project_id = $1
        AND registered_models.registered_model_id = deleted.registered_model_id
)
SELECT run_claim FROM deleted;

-- name: set_model_version_tag
-- Set or overwrite one tag. No row: no such version.
WITH version AS (
    SELECT versions.registered_model_id, versions.version
    FROM registered_models AS models
    JOIN model_versions AS versions USING (project_id, registered_model_id)
    WHERE models.project_id = $1 AND models.name = $2 AND versions.version = $3
    FOR KEY SHARE OF versions
)
INSERT INTO model_version_tags (project_id, registered_model_id, version, key, value)
SELECT $1, registered_model_id, version, $4, $5 FROM version
ON CONFLICT (project_id, registered_model_id, version, key) DO UPDATE SET value = excluded.value
RETURNING registered_model_id;

-- name: delete_model_version_tag
-- Remove one tag. No row: there was no such tag.
DELETE FROM model_version_tags
WHERE project_id = $1 AND registered_model_id = $2 AND version = $3 AND key = $4
RETURNING key;

-- name: read_model_versions
-- Whole versions in the JSON of the dialect $4, comma-separated, in the order of the ids and numbers.
SELECT convert_to(coalesce(string_agg(
    CASE $4::text WHEN 'gitlab' THEN versions.gitlab ELSE versions.mlflow END::text, ','
    ORDER BY wanted.position
), ''), 'UTF8')
FROM unnest($2::uuid[], $3::integer[])
    WITH ORDINALITY AS wanted (registered_model_id, version, position)
JOIN model_version_forms AS versions
    ON versions.project_id = $1
    AND versions.registered_model_id = wanted.registered_model_id
    AND versions.version = wanted.version;

-- name: read_found_model_versions
-- As read_model_versions, but for searches: MLflow's replies to them have no aliases.
SELECT convert_to(coalesce(string_agg(
    CASE $4::text WHEN 'gitlab' THEN versions.gitlab_listed ELSE versions.mlflow_listed END::text, ','
    ORDER BY wanted.position
), ''), 'UTF8')
FROM unnest($2::uuid[], $3::integer[])
    WITH ORDINALITY AS wanted (registered_model_id, version, position)
JOIN model_version_forms AS versions
    ON versions.project_id = $1
    AND versions.registered_model_id = wanted.registered_model_id
    AND versions.version = wanted.version;
