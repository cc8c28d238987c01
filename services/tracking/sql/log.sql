-- name: run_states
-- State of each run, in the order asked: 0 is missing, 1 active, 2 deleted.
SELECT coalesce(array_agg(coalesce((
    SELECT CASE WHEN deleted THEN 2 ELSE 1 END
    FROM runs
    WHERE project_id = wanted.project_id AND run_id = wanted.run_id
), 0) ORDER BY wanted.position), '{}')
FROM unnest($1::bigint[], $2::uuid[])
    WITH ORDINALITY AS wanted (project_id, run_id, position);

-- name: append_metrics
-- Append points to the history and keep the newest of each key; answers as run_states does.
-- Points of runs that are not active are left out. Runs come once, in $1 and $2, and points say
-- which by number, counted from 1. Points come sorted by run and key: two workers lock the rows in
-- the same order and can't deadlock. "latest" marks the newest of a key among these points: step
-- decides, then timestamp, then value; NaN counts as zero, which is how MLflow stores it.
WITH states AS (
    SELECT array_agg(coalesce((
        SELECT CASE WHEN deleted THEN 2 ELSE 1 END
        FROM runs
        WHERE project_id = wanted.project_id AND run_id = wanted.run_id
    ), 0) ORDER BY wanted.position) AS state
    FROM unnest($1::bigint[], $2::uuid[])
        WITH ORDINALITY AS wanted (project_id, run_id, position)
),
points AS MATERIALIZED (
    SELECT
        ($1::bigint[])[point.run] AS project_id,
        ($2::uuid[])[point.run] AS run_id,
        point.*
    FROM unnest(
        $3::int[], $4::text[], $5::bigint[], $6::bigint[],
        $7::double precision[], $8::boolean[],
        $9::text[], $10::text[], $11::text[]
    ) AS point (
        run, key, step, "timestamp", value, latest, model_id, dataset_name, dataset_digest
    )
    WHERE ((SELECT state FROM states))[point.run] = 1
),
history AS (
    INSERT INTO metrics (
        project_id, run_id, key, "timestamp", step, value, model_id, dataset_name, dataset_digest
    )
    SELECT
        project_id, run_id, key, "timestamp", step, value, model_id, dataset_name, dataset_digest
    FROM points
    ON CONFLICT DO NOTHING
),
newest AS (
    INSERT INTO latest_metrics AS old (
        project_id, run_id, key, value, "timestamp", step, model_id, dataset_name, dataset_digest
    )
    SELECT
        project_id, run_id, key, value, "timestamp", step, model_id, dataset_name, dataset_digest
    FROM points
    WHERE latest
    ON CONFLICT (project_id, run_id, key) DO UPDATE SET
        value = excluded.value,
        "timestamp" = excluded."timestamp",
        step = excluded.step,
        model_id = excluded.model_id,
        dataset_name = excluded.dataset_name,
        dataset_digest = excluded.dataset_digest
    WHERE (
        excluded.step,
        excluded."timestamp",
        CASE excluded.value WHEN 'NaN' THEN 0 ELSE excluded.value END
    ) > (
        old.step,
        old."timestamp",
        CASE old.value WHEN 'NaN' THEN 0 ELSE old.value END
    )
)
SELECT state FROM states;

-- name: existing_params
-- Which of these params are there already, by position (from 1), and their values.
SELECT wanted.position, params.value
FROM unnest($1::bigint[], $2::uuid[], $3::text[])
    WITH ORDINALITY AS wanted (project_id, run_id, key, position)
JOIN params
    ON params.project_id = wanted.project_id
    AND params.run_id = wanted.run_id
    AND params.key = wanted.key;

-- name: insert_params
-- Insert params, which come sorted, and count those that nobody else inserted meanwhile.
WITH inserted AS (
    INSERT INTO params (project_id, run_id, key, value)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[])
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM inserted;

-- name: rename_runs
-- Let the names of runs follow their tags mlflow.runName.
UPDATE runs SET name = named.name
FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS named (project_id, run_id, name)
WHERE runs.project_id = named.project_id AND runs.run_id = named.run_id;

-- name: upsert_tags
-- Set or overwrite tags, which come sorted, each key of a run once.
INSERT INTO tags AS old (project_id, run_id, key, value)
SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[])
ON CONFLICT (project_id, run_id, key) DO UPDATE SET value = excluded.value
WHERE old.value <> excluded.value;
