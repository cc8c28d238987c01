-- name: history
-- A page of one metric's points in MLflow's JSON: those after (timestamp $4, step $5, value $6), at
-- most $7 (NULL: all). If there are more, also the position of the last one.
-- In all histories NaN is sorted like 0, because MLflow stores it as 0 with a mark.
WITH page AS (
    SELECT *, row_number() OVER (ORDER BY "timestamp", step, rank, value) AS position
    FROM (
        SELECT
            $3::text AS key, "timestamp", step, value, model_id, dataset_name, dataset_digest, rank
        FROM metric_points
        CROSS JOIN LATERAL (SELECT coalesce(nullif(value, 'NaN'), 0)) AS ranked (rank)
        WHERE project_id = $1
            AND series_id = (
                SELECT series_id FROM metric_series
                WHERE project_id = $1 AND run_id = $2 AND key = $3
            )
            AND ("timestamp", step, rank, value) > (
                $4::bigint,
                $5::bigint,
                coalesce(nullif($6::double precision, 'NaN'), 0),
                $6::double precision
            )
        ORDER BY "timestamp", step, rank, value
        LIMIT $7::bigint + 1
    ) AS point
),
last_of_page AS (
    SELECT "timestamp", step, value
    FROM page
    WHERE position = $7 AND EXISTS (SELECT FROM page WHERE position > $7)
)
SELECT items.json, last_of_page.*
FROM (
    SELECT convert_to(coalesce(string_agg(
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
        END::text, ',' ORDER BY position
    ), ''), 'UTF8') AS json
    FROM page
    WHERE $7 IS NULL OR position <= $7
) AS items
LEFT JOIN last_of_page ON true;

-- name: history_bulk
-- Points of one metric in several runs in MLflow's JSON, ordered by run, at most $4 in all.
SELECT convert_to(coalesce(string_agg(json_build_object(
    'key', key,
    'value', value,
    'timestamp', "timestamp",
    'step', step,
    'run_id', replace(run_id::text, '-', '')
)::text, ',' ORDER BY run_id, "timestamp", step, rank, value), ''), 'UTF8')
FROM (
    SELECT run_id, key, "timestamp", step, value, rank
    FROM metric_series
    JOIN metric_points USING (project_id, series_id)
    CROSS JOIN LATERAL (SELECT coalesce(nullif(value, 'NaN'), 0)) AS ranked (rank)
    WHERE project_id = $1 AND run_id = ANY($2::uuid[]) AND key = $3
    ORDER BY run_id, "timestamp", step, rank, value
    LIMIT $4
) AS point;

-- name: history_sampled
-- At most $4 points of one metric in each of several runs, in the order of the runs, with steps from $5 to
-- $6. If a run has more points, they are sampled as in MLflow: the points are divided into $4 buckets of
-- equal size, and the first point of each bucket is taken; of the last bucket, the last point.
SELECT convert_to(coalesce(string_agg(json_build_object(
    'key', $3::text,
    'value', value,
    'timestamp', "timestamp",
    'step', step,
    'run_id', replace(run_id::text, '-', '')
)::text, ',' ORDER BY run, position), ''), 'UTF8')
FROM (
    SELECT
        numbered.*,
        lag(bucket) OVER (PARTITION BY run ORDER BY position) AS previous_bucket
    FROM (
        SELECT
            wanted.run,
            wanted.run_id,
            metric_points.value,
            metric_points."timestamp",
            metric_points.step,
            ntile($4::int) OVER by_step AS bucket,
            row_number() OVER by_step AS position,
            count(*) OVER (PARTITION BY wanted.run) AS total
        FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (run_id, run)
        JOIN metric_series
            ON metric_series.project_id = $1
            AND metric_series.run_id = wanted.run_id
            AND metric_series.key = $3
        JOIN metric_points
            ON metric_points.project_id = $1
            AND metric_points.series_id = metric_series.series_id
            AND metric_points.step BETWEEN $5 AND $6
        WINDOW by_step AS (
            PARTITION BY wanted.run
            ORDER BY
                metric_points.step,
                metric_points."timestamp",
                coalesce(nullif(metric_points.value, 'NaN'), 0),
                metric_points.value
        )
    ) AS numbered
) AS point
WHERE total <= $4
    OR position = total
    OR (bucket < $4 AND bucket IS DISTINCT FROM previous_bucket);
