-- name: before
-- As for FastTrackML.
ALTER TABLE metrics DROP CONSTRAINT metric_pk;
DROP INDEX index_metrics_run_uuid, index_metrics_run_uuid_key_step;

-- name: after
ALTER TABLE metrics ADD CONSTRAINT metric_pk
    PRIMARY KEY (key, "timestamp", step, run_uuid, value, is_nan);
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, key, step);

-- name: experiments
-- Add $1 experiments, and return the id of the first.
WITH added AS (
    INSERT INTO experiments (
        name, artifact_location, lifecycle_stage, creation_time, last_update_time
    )
    SELECT
        'scale-' || (SELECT count(*) FROM experiments) || '-' || number,
        'file:///artifacts/' || number, 'active', 1760000000000 + number, 1760000000000 + number
    FROM generate_series(0, $1::bigint - 1) AS number
    ORDER BY number
    RETURNING experiment_id
)
SELECT min(experiment_id)::bigint FROM added;

-- name: runs
-- In all statements that follow: the runs from $1 to $2, in turn in $4 experiments of which $3 is the first.
INSERT INTO runs (
    run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
    end_time, source_version, lifecycle_stage, artifact_uri, experiment_id
)
SELECT
    hex, 'run-' || number, 'UNKNOWN', '', '', 'bench', 'FINISHED', start_time,
    start_time + 900, '', 'active', 'file:///artifacts/' || experiment_id || '/' || hex || '/artifacts',
    experiment_id
FROM pg_temp.runs($1, $2)
CROSS JOIN LATERAL (SELECT $3::bigint + number % $4::bigint) AS placed (experiment_id)
ORDER BY number;

-- name: metrics
WITH points AS MATERIALIZED (
    SELECT * FROM pg_temp.metrics($1, $2)
),
latest AS (
    INSERT INTO latest_metrics (key, value, "timestamp", step, is_nan, run_uuid)
    SELECT key, value, "timestamp", step, false, hex
    FROM points WHERE step = 4 ORDER BY number, key
)
INSERT INTO metrics (key, value, "timestamp", run_uuid, step, is_nan)
SELECT key, value, "timestamp", hex, step, false
FROM points
ORDER BY number, key, step;

-- name: params
INSERT INTO params (key, value, run_uuid)
SELECT key, value, hex FROM pg_temp.params($1, $2) ORDER BY number, key;

-- name: tags
INSERT INTO tags (key, value, run_uuid)
SELECT key, value, hex FROM pg_temp.tags($1, $2) ORDER BY number, key;

-- name: long
-- Points of the run $1: $2 metrics with $3 points each.
WITH points AS MATERIALIZED (
    SELECT * FROM pg_temp.long($1, $2, $3)
),
latest AS (
    INSERT INTO latest_metrics (key, value, "timestamp", step, is_nan, run_uuid)
    SELECT key, value, "timestamp", step, false, hex
    FROM points WHERE step = $3 - 1 ORDER BY key
)
INSERT INTO metrics (key, value, "timestamp", run_uuid, step, is_nan)
SELECT key, value, "timestamp", hex, step, false
FROM points
ORDER BY key, step;
