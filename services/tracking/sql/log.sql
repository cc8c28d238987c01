-- name: find_runs
-- The state of each run, in the order of the arguments: 0 is missing, 1 active, 2 deleted, 3 active but folded, or
-- about to be: it must be unfolded before it is written to. Also what its params and tags repeat: the number of its
-- experiment, and its start time.
SELECT
    coalesce(array_agg(coalesce(runs.state, 0) ORDER BY wanted.position), '{}') AS states,
    coalesce(array_agg(runs.experiment_number ORDER BY wanted.position), '{}') AS experiments,
    coalesce(array_agg(runs.start_time ORDER BY wanted.position), '{}') AS start_times
FROM unnest($1::bigint[], $2::uuid[])
    WITH ORDINALITY AS wanted (project_id, run_id, position)
LEFT JOIN LATERAL (
    SELECT
        experiment_number,
        start_time,
        CASE WHEN deleted THEN 2 WHEN fold_attempt > 0 THEN 3 ELSE 1 END AS state
    FROM runs
    WHERE project_id = wanted.project_id AND run_id = wanted.run_id
    OFFSET 0
) AS runs ON true;

-- name: append_metrics
-- Append points, and return the states of the runs as find_runs does. Points of runs in another state than 1 are
-- left out.
-- Values that many points share are sent once: runs in $1 and $2; moments, each a run, a step and a
-- timestamp, in $3 to $5. A moment names its run, and a point its moment, by position (from 1).
-- The points are sorted by run and key. So two workers insert series, and wait for each other's series, in
-- the same order, and can't deadlock.
WITH states AS (
    SELECT array_agg(coalesce((
        SELECT CASE WHEN deleted THEN 2 WHEN fold_attempt > 0 THEN 3 ELSE 1 END
        FROM runs
        WHERE project_id = wanted.project_id AND run_id = wanted.run_id
    ), 0) ORDER BY wanted.position) AS state
    FROM unnest($1::bigint[], $2::uuid[])
        WITH ORDINALITY AS wanted (project_id, run_id, position)
),
points AS (
    SELECT
        ($1::bigint[])[($3::int[])[point.moment]] AS project_id,
        ($2::uuid[])[($3::int[])[point.moment]] AS run_id,
        ($4::bigint[])[point.moment] AS step,
        ($5::bigint[])[point.moment] AS "timestamp",
        point.*
    FROM unnest(
        $6::int[], $7::text[], $8::double precision[], $9::text[], $10::text[], $11::text[]
    ) AS point (moment, key, value, model_id, dataset_name, dataset_digest)
    WHERE ((SELECT state FROM states))[($3::int[])[point.moment]] = 1
),
known AS MATERIALIZED (
    SELECT points.*, series_id, settled_step, settled_timestamp
    FROM points
    LEFT JOIN metric_series USING (project_id, run_id, key)
),
-- Another worker may be inserting the same series. DO UPDATE waits for it and returns its number; DO NOTHING
-- would return no row.
made AS (
    INSERT INTO metric_series AS old (project_id, run_id, key)
    SELECT DISTINCT project_id, run_id, key
    FROM known
    WHERE series_id IS NULL
    ORDER BY project_id, run_id, key
    ON CONFLICT (project_id, run_id, key) DO UPDATE SET key = old.key
    RETURNING project_id, run_id, key, series_id
),
history AS (
    INSERT INTO metric_points (
        project_id, series_id, step, "timestamp", value, model_id, dataset_name, dataset_digest
    )
    SELECT
        known.project_id,
        coalesce(known.series_id, made.series_id),
        -- The function updates metric_series. As a part of this statement the update would cost each point that
        -- is not late a tenth more; a function that is not called costs nothing.
        CASE
            WHEN (step, "timestamp") < (settled_step, settled_timestamp)
                THEN unsettle_series(known.project_id, known.run_id, known.key, step, "timestamp")
            ELSE step
        END,
        "timestamp",
        value,
        model_id,
        dataset_name,
        dataset_digest
    FROM known
    -- In effect a left join. But PostgreSQL never runs a full join as a nested loop, whatever it expects.
    FULL JOIN made USING (project_id, run_id, key)
    ON CONFLICT DO NOTHING
)
SELECT state FROM states;

-- name: existing_params
-- Those of the params that exist already: their positions (from 1) and values.
SELECT wanted.position, params.value
FROM unnest($1::bigint[], $2::uuid[], $3::text[])
    WITH ORDINALITY AS wanted (project_id, run_id, key, position)
JOIN params
    ON params.project_id = wanted.project_id
    AND params.run_id = wanted.run_id
    AND params.key = wanted.key;

-- name: insert_params
-- Insert params, which are sorted, and count the inserted rows. It is lower if another transaction has
-- inserted one of them meanwhile. A param names its run by position (from 1).
WITH inserted AS (
    INSERT INTO params (project_id, run_id, key, value, experiment_number, start_time)
    SELECT
        ($1::bigint[])[param.run], ($2::uuid[])[param.run], param.key, param.value,
        ($3::int[])[param.run], ($4::bigint[])[param.run]
    FROM unnest($5::int[], $6::text[], $7::text[]) AS param (run, key, value)
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM inserted;

-- name: rename_runs
-- Rename runs whose tag mlflow.runName is set.
UPDATE runs SET name = named.name
FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS named (project_id, run_id, name)
WHERE runs.project_id = named.project_id AND runs.run_id = named.run_id;

-- name: upsert_tags
-- Set or overwrite tags. They are sorted, and each key of a run occurs once. An equal value writes nothing. A tag
-- names its run by position (from 1).
INSERT INTO tags AS old (project_id, run_id, key, value, experiment_number, start_time)
SELECT
    ($1::bigint[])[tag.run], ($2::uuid[])[tag.run], tag.key, tag.value,
    ($3::int[])[tag.run], ($4::bigint[])[tag.run]
FROM unnest($5::int[], $6::text[], $7::text[]) AS tag (run, key, value)
ON CONFLICT (project_id, run_id, key) DO UPDATE SET value = excluded.value
WHERE old.value <> excluded.value;

-- name: lock_folded_runs
-- Lock those of the runs that must be unfolded, in the order of the arguments. These are sorted, so two transactions
-- never wait for each other.
SELECT runs.run_id
FROM unnest($1::bigint[], $2::uuid[]) AS wanted (project_id, run_id)
CROSS JOIN LATERAL (
    SELECT run_id FROM runs
    WHERE project_id = wanted.project_id AND run_id = wanted.run_id
        AND fold_attempt > 0
    FOR NO KEY UPDATE
) AS runs;

-- name: unfold_runs
-- Mark locked runs as not folded, and stop attempts to fold them.
WITH found AS (
    SELECT runs.*
    FROM unnest($1::bigint[], $2::uuid[]) AS wanted (project_id, run_id)
    CROSS JOIN LATERAL (
        SELECT ctid AS place, project_id, experiment_id, run_id FROM runs
        WHERE project_id = wanted.project_id AND run_id = wanted.run_id
            AND fold_attempt > 0
        OFFSET 0
    ) AS runs
),
noted AS (
    INSERT INTO unfolded_runs (project_id, experiment_id, run_id)
    SELECT project_id, experiment_id, run_id FROM found
    ON CONFLICT DO NOTHING
)
UPDATE runs SET folded = false, fold_attempt = -fold_attempt
WHERE ctid = ANY (ARRAY(SELECT place FROM found));
