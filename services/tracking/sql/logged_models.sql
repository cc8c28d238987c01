-- name: insert_logged_model
-- Insert a model with its params and tags.
WITH model AS (
    INSERT INTO logged_models (
        project_id, model_id, experiment_id, name, artifact_uri, status, model_type, source_run_id,
        creation_timestamp_ms, last_updated_timestamp_ms
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
),
params AS (
    INSERT INTO logged_model_params (project_id, model_id, key, value)
    SELECT $1, $2, param.key, param.value
    FROM unnest($10::text[], $11::text[]) AS param (key, value)
)
INSERT INTO logged_model_tags (project_id, model_id, key, value)
SELECT $1, $2, tag.key, tag.value
FROM unnest($12::text[], $13::text[]) AS tag (key, value);

-- name: logged_model_state
-- Whether a model is deleted. No row: no such model.
SELECT deleted FROM logged_models WHERE project_id = $1 AND model_id = $2;

-- name: lock_logged_model
-- As logged_model_state, and lock the model until the transaction ends.
SELECT deleted FROM logged_models WHERE project_id = $1 AND model_id = $2 FOR UPDATE;

-- name: finalize_logged_model
-- Set the status of a model, deleted or not.
UPDATE logged_models SET status = $3, last_updated_timestamp_ms = $4
WHERE project_id = $1 AND model_id = $2
RETURNING model_id;

-- name: delete_logged_model
-- Mark a model deleted. A deleted one gets a new deletion time.
UPDATE logged_models SET deleted = true, last_updated_timestamp_ms = $3
WHERE project_id = $1 AND model_id = $2
RETURNING experiment_id;

-- name: logged_model_params
-- The params of a model that have one of the keys.
SELECT key, value FROM logged_model_params
WHERE project_id = $1 AND model_id = $2 AND key = ANY($3::text[]);

-- name: insert_logged_model_params
-- Insert params that a model does not have.
INSERT INTO logged_model_params (project_id, model_id, key, value)
SELECT $1, $2, param.key, param.value
FROM unnest($3::text[], $4::text[]) AS param (key, value);

-- name: set_logged_model_tags
-- Set or overwrite tags, each key once.
INSERT INTO logged_model_tags (project_id, model_id, key, value)
SELECT $1, $2, tag.key, tag.value
FROM unnest($3::text[], $4::text[]) AS tag (key, value)
ORDER BY tag.key
ON CONFLICT (project_id, model_id, key) DO UPDATE SET value = excluded.value;

-- name: logged_model_tag
-- The value of one tag.
SELECT value FROM logged_model_tags WHERE project_id = $1 AND model_id = $2 AND key = $3;

-- name: delete_logged_model_tag
-- Remove one tag.
DELETE FROM logged_model_tags WHERE project_id = $1 AND model_id = $2 AND key = $3
RETURNING key;

-- name: read_logged_models
-- Whole models in MLflow's JSON, comma-separated, in the order of the ids.
SELECT convert_to(coalesce(string_agg(json_build_object(
    'info', json_build_object(
        'model_id', models.model_id,
        'experiment_id', models.experiment_id::text,
        'name', models.name,
        'creation_timestamp_ms', models.creation_timestamp_ms,
        'last_updated_timestamp_ms', models.last_updated_timestamp_ms,
        'artifact_uri', models.artifact_uri,
        'status', models.status,
        'model_type', models.model_type,
        'source_run_id', models.source_run_id,
        'tags', coalesce(model_tags.items, '[]')
    ),
    'data', json_build_object(
        'params', coalesce(model_params.items, '[]'),
        'metrics', coalesce(model_metrics.items, '[]')
    )
)::text, ',' ORDER BY wanted.position), ''), 'UTF8')
FROM unnest($2::text[]) WITH ORDINALITY AS wanted (model_id, position)
CROSS JOIN LATERAL (
    -- OFFSET 0 as in read_runs.
    SELECT * FROM logged_models WHERE project_id = $1 AND model_id = wanted.model_id OFFSET 0
) AS models
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
    FROM logged_model_tags
    WHERE project_id = $1 AND model_id = wanted.model_id
) AS model_tags
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
    FROM logged_model_params
    WHERE project_id = $1 AND model_id = wanted.model_id
) AS model_params
CROSS JOIN LATERAL (
    SELECT json_agg(json_strip_nulls(json_build_object(
        'key', key,
        'value', value,
        'timestamp', "timestamp",
        'step', step,
        'model_id', model_id,
        'run_id', replace(run_id::text, '-', ''),
        'dataset_name', dataset_name,
        'dataset_digest', dataset_digest
    )) ORDER BY
        key, "timestamp", step, run_id, value, dataset_name NULLS FIRST, dataset_digest
    ) AS items
    FROM logged_model_metrics
    WHERE project_id = $1 AND model_id = wanted.model_id
) AS model_metrics;
