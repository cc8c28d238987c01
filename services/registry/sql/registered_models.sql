-- name: create_registered_model
-- Insert a model and its tags. No row: the name is taken.
WITH model AS (
    INSERT INTO registered_models
        (project_id, registered_model_id, name, description, creation_time, last_updated_time)
    VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT (project_id, name) DO NOTHING
    RETURNING registered_model_id
),
tagged AS (
    INSERT INTO registered_model_tags (project_id, registered_model_id, key, value)
    SELECT $1, registered_model_id, tag.key, tag.value
    FROM model, unnest($6::text[], $7::text[]) AS tag (key, value)
)
SELECT registered_model_id FROM model;

-- name: find_registered_model
-- The id of a model, and the value of its tag mlflow.prompt.is_prompt.
SELECT models.registered_model_id, prompt.value AS prompt
FROM registered_models AS models
LEFT JOIN registered_model_tags AS prompt
    ON prompt.project_id = models.project_id
    AND prompt.registered_model_id = models.registered_model_id
    AND prompt.key = 'mlflow.prompt.is_prompt'
WHERE models.project_id = $1 AND models.name = $2;

-- name: lock_model_name
-- Reserve a model's name until the transaction ends. The lock is advisory: each command that creates or
-- renames a model takes it first.
SELECT pg_advisory_xact_lock(hashtextextended($2, $1));

-- name: lock_registered_model
-- The id of a model. Until the transaction ends, no other one creates, moves or deletes its versions.
SELECT registered_model_id FROM registered_models WHERE project_id = $1 AND name = $2
FOR NO KEY UPDATE;

-- name: rename_registered_model
-- Rename a model; its versions count as changed, as in MLflow.
WITH model AS (
    UPDATE registered_models SET name = $3, last_updated_time = $4
    WHERE project_id = $1 AND registered_model_id = $2
    RETURNING registered_model_id
)
UPDATE model_versions SET name = $3, last_updated_time = $4
FROM model
WHERE model_versions.project_id = $1
    AND model_versions.registered_model_id = model.registered_model_id;

-- name: update_registered_model
-- Replace the description.
UPDATE registered_models SET description = $3, last_updated_time = $4
WHERE project_id = $1 AND name = $2
RETURNING registered_model_id;

-- name: delete_registered_model
-- Delete a model and, by the foreign keys, its versions, tags and aliases.
DELETE FROM registered_models WHERE project_id = $1 AND name = $2
RETURNING registered_model_id;

-- name: set_registered_model_tag
-- Set or overwrite one tag. No row: no such model.
WITH model AS (
    SELECT registered_model_id FROM registered_models
    WHERE project_id = $1 AND name = $2
    FOR KEY SHARE
)
INSERT INTO registered_model_tags (project_id, registered_model_id, key, value)
SELECT $1, registered_model_id, $3, $4 FROM model
ON CONFLICT (project_id, registered_model_id, key) DO UPDATE SET value = excluded.value
RETURNING registered_model_id;

-- name: delete_registered_model_tag
-- Remove one tag. No row: there was no such tag.
DELETE FROM registered_model_tags
WHERE project_id = $1 AND registered_model_id = $2 AND key = $3
RETURNING key;

-- name: latest_versions
-- The number of the newest version in each of the stages $3. The stages are in the order of their oldest
-- versions: MLflow reads the versions by number and meets the stages in this order.
-- The comparisons of whole rows make PostgreSQL search model_versions_stage_idx. With plain equality the
-- planner prefers to read all versions, newest first: slow if a model has many versions and none in a
-- stage.
SELECT newest.version
FROM unnest($3::text[]) AS wanted (stage)
CROSS JOIN LATERAL (
    SELECT registered_model_id, stage, version FROM model_versions
    WHERE project_id = $1
        AND (registered_model_id, stage, version) <= ($2, wanted.stage, 2147483647)
    ORDER BY registered_model_id DESC, stage DESC, version DESC
    LIMIT 1
) AS newest
CROSS JOIN LATERAL (
    SELECT version FROM model_versions
    WHERE project_id = $1
        AND (registered_model_id, stage, version) >= ($2, wanted.stage, 0)
    ORDER BY registered_model_id, stage, version
    LIMIT 1
) AS oldest
WHERE newest.registered_model_id = $2 AND newest.stage = wanted.stage
ORDER BY oldest.version;

-- name: read_registered_models
-- Whole models in the JSON of the dialect $4, comma-separated, in the order of the ids. Each has its newest
-- version in each of the stages $3, as in latest_versions. For GitLab it has its highest version.
SELECT convert_to(coalesce(string_agg(json_build_object(
    'name', models.name,
    'creation_timestamp', models.creation_time,
    'last_updated_timestamp', models.last_updated_time,
    'description', models.description,
    'latest_versions', coalesce(latest_versions.items, '[]'),
    'tags', coalesce(tags.items, '[]'),
    'aliases', coalesce(aliases.items, '[]')
)::text, ',' ORDER BY wanted.position), ''), 'UTF8')
FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (registered_model_id, position)
JOIN registered_models AS models
    ON models.project_id = $1 AND models.registered_model_id = wanted.registered_model_id
CROSS JOIN LATERAL (
    SELECT json_agg(
        CASE $4::text WHEN 'gitlab' THEN versions.gitlab_listed ELSE versions.mlflow_listed END
        ORDER BY newest.position
    ) AS items
    FROM (
        SELECT oldest.version AS position, newest.version
        FROM unnest($3::text[]) AS stages (stage)
        CROSS JOIN LATERAL (
            SELECT registered_model_id, stage, version FROM model_versions
            WHERE project_id = $1
                AND (registered_model_id, stage, version)
                <= (wanted.registered_model_id, stages.stage, 2147483647)
            ORDER BY registered_model_id DESC, stage DESC, version DESC
            LIMIT 1
        ) AS newest
        CROSS JOIN LATERAL (
            SELECT version FROM model_versions
            WHERE project_id = $1
                AND (registered_model_id, stage, version)
                >= (wanted.registered_model_id, stages.stage, 0)
            ORDER BY registered_model_id, stage, version
            LIMIT 1
        ) AS oldest
        WHERE $4 <> 'gitlab'
            AND newest.registered_model_id = wanted.registered_model_id
            AND newest.stage = stages.stage
        UNION ALL
        (
            SELECT 1, version FROM model_versions
            WHERE project_id = $1
                AND registered_model_id = wanted.registered_model_id
                AND $4 = 'gitlab'
            ORDER BY semver_key DESC, version DESC
            LIMIT 1
        )
    ) AS newest
    JOIN model_version_forms AS versions
        ON versions.project_id = $1
        AND versions.registered_model_id = wanted.registered_model_id
        AND versions.version = newest.version
) AS latest_versions
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
    FROM registered_model_tags
    WHERE project_id = $1 AND registered_model_id = wanted.registered_model_id
) AS tags
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
        'alias', aliases.alias,
        'version', CASE $4
            WHEN 'gitlab' THEN versions.gitlab_version
            ELSE versions.version::text
        END
    ) ORDER BY aliases.alias) AS items
    FROM model_aliases AS aliases
    JOIN model_version_forms AS versions USING (project_id, registered_model_id, version)
    WHERE aliases.project_id = $1
        AND aliases.registered_model_id = wanted.registered_model_id
) AS aliases;
