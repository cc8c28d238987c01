-- name: history
-- A page of one metric's points in MLflow's JSON: those after (timestamp $4, step $5, value $6), at
-- most $7. If there are more, also the position of the last one. Also whether the points beyond
-- the blocks of the series are many: more than $8.
-- In all histories NaN is sorted like 0, because MLflow stores it as 0 with a mark.
-- The points are stored by step. Those of a page lie in the blocks whose timestamps overlap the page's, and
-- beyond the blocks. A page ends at the latest where $7 + 1 points are in blocks that begin after its start.
-- string_agg takes the points in the order of the subquery. An ORDER BY of its own would sort them once more.
WITH series AS (
    SELECT * FROM covered_series WHERE project_id = $1 AND run_id = $2 AND key = $3
),
page_end AS (
    SELECT coalesce((
        SELECT latest
        FROM metric_blocks
        WHERE project_id = $1
            AND series_id = (SELECT series_id FROM series)
            AND block < (SELECT blocks FROM series)
            AND earliest > $4::bigint
        ORDER BY latest
        OFFSET $7::bigint / 128
        LIMIT 1
    ), 9223372036854775807) AS latest
)
SELECT
    convert_to(coalesce(string_agg(
        CASE
            WHEN coalesce(model_id, dataset_name, dataset_digest) IS NULL
                -- By hand, because json_build_object takes three times as long.
                THEN concat(
                    start, CASE value WHEN 'NaN' THEN '"NaN"' ELSE value::text END,
                    ',"timestamp":', "timestamp", ',"step":', step, '}'
                )
            ELSE json_strip_nulls(json_build_object(
                'key', $3, 'value', value, 'timestamp', "timestamp", 'step', step,
                'model_id', model_id, 'dataset_name', dataset_name,
                'dataset_digest', dataset_digest
            ))::text
        END, ','
    ) FILTER (WHERE position <= $7), ''), 'UTF8') AS json,
    count(*) > $7 AS more,
    max("timestamp") FILTER (WHERE position = $7) AS "timestamp",
    max(step) FILTER (WHERE position = $7) AS step,
    max(value) FILTER (WHERE position = $7) AS value,
    EXISTS (
        SELECT
        FROM series
        JOIN metric_points ON metric_points.project_id = $1 AND metric_points.series_id = series.series_id
        WHERE (metric_points.step, metric_points."timestamp", metric_points.value)
            > (last_step, last_timestamp, last_value)
        OFFSET $8
    ) AS unsettled
FROM (
    SELECT point.*, row_number() OVER (ORDER BY "timestamp", step, rank, value) AS position
    FROM (
        SELECT point.*
        FROM metric_blocks AS block
        CROSS JOIN LATERAL (
            SELECT step, "timestamp", value, model_id, dataset_name, dataset_digest
            FROM metric_points
            WHERE metric_points.project_id = $1
                AND metric_points.series_id = block.series_id
                AND (step, "timestamp", value) >= (first_step, first_timestamp, first_value)
                AND (step, "timestamp", value)
                    <= (block.last_step, block.last_timestamp, block.last_value)
                AND "timestamp" BETWEEN $4 AND (SELECT latest FROM page_end)
            OFFSET 0
        ) AS point
        WHERE block.project_id = $1
            AND block.series_id = (SELECT series_id FROM series)
            AND block.block < (SELECT blocks FROM series)
            AND block.latest >= $4
            AND block.earliest <= (SELECT latest FROM page_end)
        UNION ALL
        SELECT step, "timestamp", value, model_id, dataset_name, dataset_digest
        FROM series
        JOIN metric_points ON metric_points.project_id = $1 AND metric_points.series_id = series.series_id
        WHERE (step, "timestamp", value) > (last_step, last_timestamp, last_value)
            AND "timestamp" BETWEEN $4 AND (SELECT latest FROM page_end)
    ) AS point
    CROSS JOIN LATERAL (SELECT coalesce(nullif(value, 'NaN'), 0)) AS ranked (rank)
    WHERE ("timestamp", step, rank, value) > (
        $4::bigint,
        $5::bigint,
        coalesce(nullif($6::double precision, 'NaN'), 0),
        $6::double precision
    )
    ORDER BY "timestamp", step, rank, value
    LIMIT $7::bigint + 1
) AS point
CROSS JOIN (SELECT concat('{"key":', to_json($3), ',"value":') AS start) AS object;

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
