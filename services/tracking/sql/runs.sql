-- name: create_run
-- Insert a run and its tags if its experiment is active. No row: no such experiment.
-- The artifact URI is the experiment's location, with the run's path inserted before its query string.
WITH experiment AS (
    SELECT artifact_location AS location, deleted
    FROM experiments
    WHERE project_id = $1 AND experiment_id = $2
),
run AS (
    INSERT INTO runs
        (project_id, run_id, experiment_id, name, user_id, status, start_time, artifact_uri)
    SELECT
        $1, $3, $2, $4, $5, 'RUNNING', $6,
        rtrim(substring(location FROM '^[^?#]*'), '/') || '/' || $7::text || '/artifacts'
        || coalesce(substring(location FROM '[?#].*$'), '')
    FROM experiment
    WHERE NOT deleted
    RETURNING artifact_uri
),
run_tags AS (
    INSERT INTO tags (project_id, run_id, key, value)
    SELECT $1, $3, tag.key, tag.value
    FROM run, unnest($8::text[], $9::text[]) AS tag (key, value)
)
SELECT experiment.deleted, run.artifact_uri
FROM experiment LEFT JOIN run ON true;

-- name: run_state
-- Whether a run is deleted, and its experiment. No row: no such run.
SELECT deleted, experiment_id FROM runs WHERE project_id = $1 AND run_id = $2;

-- name: run_of_iid
-- The run with an iid.
SELECT run_id FROM runs WHERE project_id = $1 AND iid = $2;

-- name: lock_run
-- As run_state, with the artifact URI, and lock the run until the transaction ends.
SELECT deleted, experiment_id, artifact_uri FROM runs
WHERE project_id = $1 AND run_id = $2
FOR UPDATE;

-- name: run_artifact_uri
-- Where a run keeps artifacts.
SELECT artifact_uri FROM runs WHERE project_id = $1 AND run_id = $2;

-- name: update_run
-- Change those values of an active run that are not NULL. A new name also goes to the tag mlflow.runName.
-- No row: there is no such active run.
WITH run AS (
    UPDATE runs
    SET
        status = coalesce($3, status),
        end_time = coalesce($4, end_time),
        name = coalesce($5, name)
    WHERE project_id = $1 AND run_id = $2 AND NOT deleted
    RETURNING *
),
run_name AS (
    INSERT INTO tags (project_id, run_id, key, value)
    SELECT $1, $2, 'mlflow.runName', $5
    FROM run
    WHERE $5 IS NOT NULL
    ON CONFLICT (project_id, run_id, key) DO UPDATE SET value = excluded.value
)
SELECT * FROM run;

-- name: delete_run
-- Mark a run deleted. A deleted one gets a new deletion time.
UPDATE runs SET deleted = true, deleted_time = $3
WHERE project_id = $1 AND run_id = $2
RETURNING experiment_id;

-- name: restore_run
-- Mark a run active. An active one stays active.
UPDATE runs SET deleted = false, deleted_time = NULL
WHERE project_id = $1 AND run_id = $2
RETURNING experiment_id;

-- name: get_tag
-- The value of one tag.
SELECT value FROM tags WHERE project_id = $1 AND run_id = $2 AND key = $3;

-- name: set_tag
-- Set or overwrite one tag.
INSERT INTO tags (project_id, run_id, key, value) VALUES ($1, $2, $3, $4)
ON CONFLICT (project_id, run_id, key) DO UPDATE SET value = excluded.value;

-- name: delete_tag
-- Remove one tag.
DELETE FROM tags WHERE project_id = $1 AND run_id = $2 AND key = $3
RETURNING key;

-- name: read_runs
-- Whole runs in MLflow's JSON, comma-separated, in the order of the ids. In GitLab's dialect ($3) they have
-- the iid that its file routes use.
-- OFFSET 0 makes PostgreSQL look each run up by its key. Without it the planner reads all runs of a project
-- that it believes to have few.
SELECT convert_to(coalesce(string_agg(json_build_object(
    'info', json_strip_nulls(json_build_object(
        'run_id', hex.run_id,
        'run_uuid', hex.run_id,
        'run_name', runs.name,
        'experiment_id', runs.experiment_id::text,
        'user_id', runs.user_id,
        'status', runs.status,
        'start_time', runs.start_time,
        'end_time', runs.end_time,
        'artifact_uri', runs.artifact_uri,
        'lifecycle_stage', CASE WHEN runs.deleted THEN 'deleted' ELSE 'active' END,
        'iid', CASE $3::text WHEN 'gitlab' THEN runs.iid::text END
    )),
    'data', json_build_object(
        'metrics', coalesce(run_metrics.items, '[]'),
        'params', coalesce(run_params.items, '[]'),
        'tags', coalesce(run_tags.items, '[]')
    ),
    'inputs', json_build_object(
        'dataset_inputs', coalesce(dataset_inputs.items, '[]'),
        'model_inputs', coalesce(model_inputs.items, '[]')
    ),
    'outputs', json_build_object(
        'model_outputs', coalesce(model_outputs.items, '[]')
    )
)::text, ',' ORDER BY wanted.position), ''), 'UTF8')
FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (run_id, position)
CROSS JOIN LATERAL (
    SELECT * FROM runs WHERE project_id = $1 AND run_id = wanted.run_id OFFSET 0
) AS runs
CROSS JOIN LATERAL (SELECT replace(runs.run_id::text, '-', '') AS run_id) AS hex
CROSS JOIN LATERAL (
    SELECT json_agg(
        CASE
            WHEN coalesce(model_id, dataset_name, dataset_digest) IS NULL
                THEN json_build_object(
                    'key', key, 'value', value, 'timestamp', "timestamp", 'step', step
                )
            ELSE json_strip_nulls(json_build_object(
                'key', key, 'value', value, 'timestamp', "timestamp", 'step', step,
                'model_id', model_id, 'dataset_name', dataset_name,
                'dataset_digest', dataset_digest
            ))
        END ORDER BY key
    ) AS items
    FROM latest_metrics
    WHERE project_id = $1 AND run_id = wanted.run_id
) AS run_metrics
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
    FROM params
    WHERE project_id = $1 AND run_id = wanted.run_id
) AS run_params
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
    FROM tags
    WHERE project_id = $1 AND run_id = wanted.run_id
) AS run_tags
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
        'dataset', json_strip_nulls(json_build_object(
            'name', datasets.name,
            'digest', datasets.digest,
            'source_type', datasets.source_type,
            'source', datasets.source,
            'schema', datasets.schema,
            'profile', datasets.profile
        )),
        'tags', coalesce(input_tags.items, '[]')
    ) ORDER BY run_inputs.place, datasets.name, datasets.digest) AS items
    FROM run_inputs
    CROSS JOIN LATERAL (
        SELECT * FROM datasets
        WHERE project_id = run_inputs.project_id AND dataset_id = run_inputs.dataset_id
        OFFSET 0
    ) AS datasets
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
        FROM run_input_tags
        WHERE project_id = $1 AND run_id = wanted.run_id
            AND dataset_id = run_inputs.dataset_id
    ) AS input_tags
    WHERE run_inputs.project_id = $1 AND run_inputs.run_id = wanted.run_id
) AS dataset_inputs
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('model_id', model_id) ORDER BY place, model_id) AS items
    FROM run_model_inputs
    WHERE project_id = $1 AND run_id = wanted.run_id
) AS model_inputs
CROSS JOIN LATERAL (
    SELECT json_agg(
        json_build_object('model_id', model_id, 'step', step) ORDER BY place, step, model_id
    ) AS items
    FROM run_model_outputs
    WHERE project_id = $1 AND run_id = wanted.run_id
) AS model_outputs;
