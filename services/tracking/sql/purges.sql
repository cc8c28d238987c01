-- Entities to purge are selected FOR UPDATE, because a client may be restoring one at the same moment.
-- If the ids $3 are NULL, all ids count.

-- name: deleted_runs
-- At most $4 runs that were deleted at $2 or earlier.
SELECT run_id FROM runs
WHERE project_id = $1 AND deleted AND deleted_time <= $2
    AND ($3::text[] IS NULL OR run_id = ANY($3::text[]::uuid[]))
ORDER BY deleted_time, run_id
LIMIT $4
FOR UPDATE;

-- name: deleted_logged_models
-- At most $4 logged models that were deleted at $2 or earlier.
SELECT model_id FROM logged_models
WHERE project_id = $1 AND deleted AND last_updated_timestamp_ms <= $2
    AND ($3::text[] IS NULL OR model_id = ANY($3::text[]))
ORDER BY last_updated_timestamp_ms, model_id
LIMIT $4
FOR UPDATE;

-- name: deleted_experiments
-- At most $4 experiments that were deleted at $2 or earlier.
SELECT experiment_id FROM experiments
WHERE project_id = $1 AND deleted AND last_update_time <= $2
    AND ($3::text[] IS NULL OR experiment_id = ANY($3::text[]::bigint[]))
ORDER BY experiment_id
LIMIT $4
FOR UPDATE;

-- name: runs_of_experiments
-- At most $3 runs of experiments that are being purged.
SELECT run_id FROM runs
WHERE project_id = $1 AND experiment_id = ANY($2::bigint[])
LIMIT $3
FOR UPDATE;

-- name: logged_models_of_experiments
-- At most $3 logged models of experiments that are being purged.
SELECT model_id FROM logged_models
WHERE project_id = $1 AND experiment_id = ANY($2::bigint[])
LIMIT $3
FOR UPDATE;

-- name: purge_runs
-- Make runs invisible, and note that their other rows must be deleted.
WITH gone AS (
    DELETE FROM runs WHERE project_id = $1 AND run_id = ANY($2::uuid[])
    RETURNING run_id, experiment_id, artifact_uri
),
noted AS (
    INSERT INTO purges (project_id, kind, id) SELECT $1, 'run', run_id::text FROM gone
)
SELECT * FROM gone;

-- name: purge_logged_models
-- Make logged models invisible, and note that their other rows must be deleted.
WITH gone AS (
    DELETE FROM logged_models WHERE project_id = $1 AND model_id = ANY($2::text[])
    RETURNING model_id, experiment_id, artifact_uri
),
noted AS (
    INSERT INTO purges (project_id, kind, id) SELECT $1, 'logged_model', model_id FROM gone
)
SELECT * FROM gone;

-- name: purge_experiments
-- Make experiments invisible, and note that their contents must be deleted.
WITH gone AS (
    DELETE FROM experiments WHERE project_id = $1 AND experiment_id = ANY($2::bigint[])
    RETURNING experiment_id, artifact_location
),
noted AS (
    INSERT INTO purges (project_id, kind, id) SELECT $1, 'experiment', experiment_id::text FROM gone
)
SELECT * FROM gone;

-- name: purges
-- At most $3 entities of a kind that are being purged.
SELECT id FROM purges WHERE project_id = $1 AND kind = $2 ORDER BY id LIMIT $3;

-- name: finish_purges
-- Remove the notes of entities of a kind that have no rows any more.
DELETE FROM purges WHERE project_id = $1 AND kind = $2 AND id = ANY($3::text[]);

-- name: delete_rows_of_runs
-- Delete rows of runs that are being purged, at most $3 of each table; count them.
WITH gone_points AS (
    DELETE FROM metric_points WHERE ctid = ANY (ARRAY(
        SELECT metric_points.ctid
        FROM metric_series
        JOIN metric_points USING (project_id, series_id)
        WHERE project_id = $1 AND run_id = ANY($2::uuid[])
        LIMIT $3
    )) RETURNING 1
),
-- Only series whose points are all gone: a point can't be found without its series. All parts of a statement
-- see the same snapshot, so a series goes at the earliest with the command after its last points.
gone_series AS (
    DELETE FROM metric_series WHERE ctid = ANY (ARRAY(
        SELECT ctid
        FROM metric_series
        WHERE project_id = $1 AND run_id = ANY($2::uuid[])
            AND NOT EXISTS (
                SELECT
                FROM metric_points
                WHERE metric_points.project_id = metric_series.project_id
                    AND metric_points.series_id = metric_series.series_id
            )
        LIMIT $3
    )) RETURNING 1
),
gone_params AS (
    DELETE FROM params WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM params WHERE project_id = $1 AND run_id = ANY($2::uuid[]) LIMIT $3
    )) RETURNING 1
),
gone_tags AS (
    DELETE FROM tags WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM tags WHERE project_id = $1 AND run_id = ANY($2::uuid[]) LIMIT $3
    )) RETURNING 1
),
gone_inputs AS (
    DELETE FROM run_inputs WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM run_inputs WHERE project_id = $1 AND run_id = ANY($2::uuid[]) LIMIT $3
    )) RETURNING 1
),
gone_input_tags AS (
    DELETE FROM run_input_tags WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM run_input_tags WHERE project_id = $1 AND run_id = ANY($2::uuid[]) LIMIT $3
    )) RETURNING 1
),
gone_model_inputs AS (
    DELETE FROM run_model_inputs WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM run_model_inputs
        WHERE project_id = $1 AND run_id = ANY($2::uuid[]) LIMIT $3
    )) RETURNING 1
),
gone_model_outputs AS (
    DELETE FROM run_model_outputs WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM run_model_outputs
        WHERE project_id = $1 AND run_id = ANY($2::uuid[]) LIMIT $3
    )) RETURNING 1
),
gone_points_of_models AS (
    DELETE FROM logged_model_metrics WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM logged_model_metrics
        WHERE project_id = $1 AND run_id = ANY($2::uuid[]) LIMIT $3
    )) RETURNING 1
)
SELECT
    (SELECT count(*) FROM gone_points)
    + (SELECT count(*) FROM gone_series)
    + (SELECT count(*) FROM gone_params)
    + (SELECT count(*) FROM gone_tags)
    + (SELECT count(*) FROM gone_inputs)
    + (SELECT count(*) FROM gone_input_tags)
    + (SELECT count(*) FROM gone_model_inputs)
    + (SELECT count(*) FROM gone_model_outputs)
    + (SELECT count(*) FROM gone_points_of_models);

-- name: delete_rows_of_logged_models
-- Delete rows of logged models that are being purged, at most $3 of each table; count them. As in MLflow, a
-- run keeps the record that it read or produced a model.
WITH gone_metrics AS (
    DELETE FROM logged_model_metrics WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM logged_model_metrics
        WHERE project_id = $1 AND model_id = ANY($2::text[]) LIMIT $3
    )) RETURNING 1
),
gone_params AS (
    DELETE FROM logged_model_params WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM logged_model_params
        WHERE project_id = $1 AND model_id = ANY($2::text[]) LIMIT $3
    )) RETURNING 1
),
gone_tags AS (
    DELETE FROM logged_model_tags WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM logged_model_tags
        WHERE project_id = $1 AND model_id = ANY($2::text[]) LIMIT $3
    )) RETURNING 1
)
SELECT
    (SELECT count(*) FROM gone_metrics)
    + (SELECT count(*) FROM gone_params)
    + (SELECT count(*) FROM gone_tags);

-- name: delete_rows_of_experiments
-- Delete rows of experiments that are being purged, at most $3 of each table; count them.
WITH gone_tags AS (
    DELETE FROM experiment_tags WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM experiment_tags
        WHERE project_id = $1 AND experiment_id = ANY($2::bigint[]) LIMIT $3
    )) RETURNING 1
),
gone_datasets AS (
    DELETE FROM datasets WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM datasets
        WHERE project_id = $1 AND experiment_id = ANY($2::bigint[]) LIMIT $3
    )) RETURNING 1
)
SELECT (SELECT count(*) FROM gone_tags) + (SELECT count(*) FROM gone_datasets);

-- name: plan
-- The numbers of runs, logged models and experiments in a purge of what was deleted at $2 or earlier. The
-- contents of experiments whose purge was interrupted count, too.
WITH doomed AS (
    SELECT experiment_id FROM experiments
    WHERE project_id = $1 AND deleted AND last_update_time <= $2
        AND ($3::text[] IS NULL OR experiment_id = ANY($3::text[]::bigint[]))
),
emptied AS (
    SELECT experiment_id FROM doomed
    UNION ALL
    SELECT id::bigint FROM purges WHERE project_id = $1 AND kind = 'experiment'
)
SELECT
    (
        SELECT count(*) FROM runs
        WHERE project_id = $1 AND (
            experiment_id IN (SELECT experiment_id FROM emptied)
            OR (
                deleted AND deleted_time <= $2
                AND ($4::text[] IS NULL OR run_id = ANY($4::text[]::uuid[]))
            )
        )
    ) AS runs,
    (
        SELECT count(*) FROM logged_models
        WHERE project_id = $1 AND (
            experiment_id IN (SELECT experiment_id FROM emptied)
            OR (
                deleted AND last_updated_timestamp_ms <= $2
                AND ($5::text[] IS NULL OR model_id = ANY($5::text[]))
            )
        )
    ) AS logged_models,
    (SELECT count(*) FROM doomed) AS experiments;

-- name: run_times
-- When each of the runs $2 was deleted; NULL: it was not.
SELECT replace(run_id::text, '-', '') AS id, CASE WHEN deleted THEN deleted_time END AS deleted_time
FROM runs WHERE project_id = $1 AND run_id = ANY($2::text[]::uuid[]);

-- name: logged_model_times
-- When each of the logged models $2 was deleted; NULL: it was not.
SELECT model_id AS id, CASE WHEN deleted THEN last_updated_timestamp_ms END AS deleted_time
FROM logged_models WHERE project_id = $1 AND model_id = ANY($2::text[]);

-- name: experiment_times
-- When each of the experiments $2 was deleted; NULL: it was not.
SELECT experiment_id::text AS id, CASE WHEN deleted THEN last_update_time END AS deleted_time
FROM experiments WHERE project_id = $1 AND experiment_id = ANY($2::text[]::bigint[]);

-- name: chosen_locations
-- The artifact locations that clients chose for experiments, if they are in this server's storage.
SELECT artifact_location FROM experiments
WHERE project_id = $1
    AND artifact_location ILIKE 'mlflow-artifacts:%'
    AND artifact_location <> 'mlflow-artifacts:/' || project_id || '/' || experiment_id;

-- name: projects
-- Every project.
SELECT project_id FROM projects ORDER BY project_id;

-- name: owners
-- Those of the ids $2 that runs or logged models have, deleted or not. A run's id has 32 hexadecimal digits.
SELECT replace(run_id::text, '-', '') AS id FROM runs
WHERE project_id = $1
    AND run_id = ANY(ARRAY(
        SELECT given::uuid FROM unnest($2::text[]) AS given WHERE given ~ '^[0-9a-f]{32}$'
    ))
UNION ALL
SELECT model_id FROM logged_models WHERE project_id = $1 AND model_id = ANY($2::text[]);
