-- name: experiments
-- Add $1 experiments, and return the id of the first.
WITH numbered AS (
    UPDATE tracking.projects SET next_experiment_id = next_experiment_id + $1::bigint
    WHERE project_id = 1
    RETURNING next_experiment_id - $1::bigint AS first
),
added AS (
    INSERT INTO tracking.experiments (
        project_id, experiment_id, name, artifact_location, creation_time, last_update_time
    )
    SELECT
        1, first + number, 'scale-' || first + number, 'mlflow-artifacts:/1/' || first + number,
        1760000000000 + number, 1760000000000 + number
    FROM numbered
    CROSS JOIN generate_series(0, $1::bigint - 1) AS number
)
SELECT first FROM numbered;

-- name: runs
-- In all statements that follow: the runs from $1 to $2, in turn in $4 experiments of which $3 is the first.
WITH added AS (
    INSERT INTO tracking.runs (
        project_id, run_id, experiment_id, experiment_number, name, user_id, status, start_time, end_time,
        artifact_uri
    )
    SELECT
        1, run_id, placed.experiment_id, experiment_number, 'run-' || number, 'bench', 'FINISHED', start_time,
        start_time + 900, 'mlflow-artifacts:/1/' || placed.experiment_id || '/' || hex || '/artifacts'
    FROM pg_temp.runs($1, $2)
    CROSS JOIN LATERAL (SELECT $3::bigint + number % $4::bigint) AS placed (experiment_id)
    JOIN tracking.experiments
        ON experiments.project_id = 1 AND experiments.experiment_id = placed.experiment_id
    ORDER BY number
    RETURNING project_id, experiment_id, run_id
)
INSERT INTO tracking.unfolded_runs (project_id, experiment_id, run_id) SELECT * FROM added;

-- name: background_work
-- The number of runs that are not folded yet, and of series of the long runs whose blocks are not made yet. The names
-- of the long runs have 13 characters.
SELECT (SELECT count(*) FROM tracking.unfolded_runs) + (
    SELECT count(*)
    FROM tracking.runs
    CROSS JOIN LATERAL (
        SELECT * FROM tracking.covered_series
        WHERE project_id = runs.project_id AND run_id = runs.run_id
        OFFSET 0
    ) AS series
    CROSS JOIN LATERAL (
        SELECT FROM tracking.metric_points
        WHERE project_id = series.project_id
            AND series_id = series.series_id
            AND (step, "timestamp", value)
                > (series.last_step, series.last_timestamp, series.last_value)
        OFFSET 8192
        LIMIT 1
    ) AS uncovered
    WHERE char_length(runs.name) = 13
);

-- name: metrics
WITH points AS MATERIALIZED (
    SELECT * FROM pg_temp.metrics($1, $2)
),
series AS (
    INSERT INTO tracking.metric_series (project_id, run_id, key)
    SELECT 1, run_id, key FROM points WHERE step = 0 ORDER BY number, key
    RETURNING run_id, key, series_id
)
INSERT INTO tracking.metric_points (project_id, series_id, step, "timestamp", value)
SELECT 1, series_id, step, "timestamp", value
FROM points
JOIN series USING (run_id, key)
ORDER BY series_id, step;

-- name: params
INSERT INTO tracking.params (project_id, run_id, key, value, experiment_number, start_time)
SELECT 1, run_id, key, value, experiment_number, start_time
FROM pg_temp.params($1, $2)
JOIN tracking.runs USING (run_id)
WHERE project_id = 1
ORDER BY number, key;

-- name: tags
INSERT INTO tracking.tags (project_id, run_id, key, value, experiment_number, start_time)
SELECT 1, run_id, key, value, experiment_number, start_time
FROM pg_temp.tags($1, $2)
JOIN tracking.runs USING (run_id)
WHERE project_id = 1
ORDER BY number, key;

-- name: long
-- Points of the run $1: $2 metrics with $3 points each.
WITH points AS MATERIALIZED (
    SELECT * FROM pg_temp.long($1, $2, $3)
),
series AS (
    INSERT INTO tracking.metric_series (project_id, run_id, key)
    SELECT 1, run_id, key FROM points WHERE step = 0 ORDER BY key
    RETURNING key, series_id
)
INSERT INTO tracking.metric_points (project_id, series_id, step, "timestamp", value)
SELECT 1, series_id, step, "timestamp", value
FROM points
JOIN series USING (key)
ORDER BY series_id, step;
