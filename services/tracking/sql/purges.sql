-- Entities to purge are selected FOR UPDATE, because a client may be restoring one at the same moment.
-- If the ids $3 are NULL, all ids count.
-- Runs, logged models and experiments share the statements with {placeholders}: a PurgeTarget
-- (store/purges.py) fills in its table and columns.

-- name: select_deleted
-- At most $4 entities that were deleted at $2 or earlier.
SELECT {id}::text AS id FROM {table}
WHERE project_id = $1 AND deleted AND {deleted_time} <= $2
    AND ($3::text[] IS NULL OR {id} = ANY($3::text[]::{id_type}[]))
ORDER BY {deleted_time}, {id}
LIMIT $4
FOR UPDATE;

-- name: select_of_experiments
-- At most $3 entities of experiments that are being purged.
SELECT {id}::text AS id FROM {table}
WHERE project_id = $1 AND experiment_id = ANY($2::text[]::bigint[])
LIMIT $3
FOR UPDATE;

-- name: purge
-- Make entities invisible, and note that their other rows must be deleted.
WITH gone AS (
    DELETE FROM {table} WHERE project_id = $1 AND {id} = ANY($2::text[]::{id_type}[])
    RETURNING {id} AS id, experiment_id, {artifact_uri} AS artifact_uri
),
noted AS (
    INSERT INTO purges (project_id, kind, id) SELECT $1, $3, id::text FROM gone
)
SELECT * FROM gone;

-- name: deletion_times
-- When each of the entities $2 was deleted; NULL: it was not.
SELECT {id} AS id, CASE WHEN deleted THEN {deleted_time} END AS deleted_time
FROM {table} WHERE project_id = $1 AND {id} = ANY($2::text[]::{id_type}[]);

-- name: unfinished_purges
-- At most $3 entities of a kind that are being purged.
SELECT id FROM purges WHERE project_id = $1 AND kind = $2 ORDER BY id LIMIT $3;

-- name: complete_purges
-- Remove the notes of entities of a kind that have no rows any more.
DELETE FROM purges WHERE project_id = $1 AND kind = $2 AND id = ANY($3::text[]);

-- name: delete_rows
-- Delete at most $3 rows that a table has of entities that are being purged; count them.
WITH gone AS (
    DELETE FROM {row_table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {row_table}
        WHERE project_id = $1 AND {id} = ANY($2::text[]::{id_type}[])
        LIMIT $3
    )) RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_blocks
-- Delete at most $3 blocks of series of runs that are being purged; count them.
WITH gone AS (
    DELETE FROM metric_blocks WHERE ctid = ANY (ARRAY(
        SELECT metric_blocks.ctid
        FROM metric_series
        JOIN metric_blocks USING (project_id, series_id)
        WHERE project_id = $1 AND run_id = ANY($2::text[]::uuid[])
        LIMIT $3
    )) RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_points
-- Delete at most $3 points of runs that are being purged; count them.
WITH gone AS (
    DELETE FROM metric_points WHERE ctid = ANY (ARRAY(
        SELECT metric_points.ctid
        FROM metric_series
        JOIN metric_points USING (project_id, series_id)
        WHERE project_id = $1 AND run_id = ANY($2::text[]::uuid[])
        LIMIT $3
    )) RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_series
-- Delete at most $3 series of runs that are being purged, if their points and blocks are all gone; count them.
-- Neither can be found without its series.
WITH gone AS (
    DELETE FROM metric_series WHERE ctid = ANY (ARRAY(
        SELECT ctid
        FROM metric_series
        WHERE project_id = $1 AND run_id = ANY($2::text[]::uuid[])
            AND NOT EXISTS (
                SELECT
                FROM metric_points
                WHERE metric_points.project_id = metric_series.project_id
                    AND metric_points.series_id = metric_series.series_id
            )
            AND NOT EXISTS (
                SELECT
                FROM metric_blocks
                WHERE metric_blocks.project_id = metric_series.project_id
                    AND metric_blocks.series_id = metric_series.series_id
            )
        LIMIT $3
    )) RETURNING 1
)
SELECT count(*) FROM gone;

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
