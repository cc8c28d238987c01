-- name: lock_series
-- Lock a series, unless another transaction has, and return its number and its settled moment.
SELECT series_id, settled_step, settled_timestamp, settled_round
FROM metric_series
WHERE project_id = $1 AND run_id = $2 AND key = $3
FOR NO KEY UPDATE SKIP LOCKED;

-- name: delete_false_blocks
-- Delete the blocks of a series that do not end before the moment ($3, $4).
DELETE FROM metric_blocks
WHERE project_id = $1
    AND series_id = $2
    AND ((last_step, last_timestamp) < ($3::bigint, $4::bigint)) IS NOT TRUE;

-- name: settle
-- Move the settled moment of a series forward to that of its newest point but $4, and return it. No row: it
-- is there already, or there are not so many points.
UPDATE metric_series
SET
    settled_step = point.step,
    settled_timestamp = point."timestamp",
    settled_round = coalesce(settled_round, 0) + 1
FROM (
    SELECT step, "timestamp"
    FROM metric_points
    WHERE project_id = $1
        AND series_id = (
            SELECT series_id FROM metric_series WHERE project_id = $1 AND run_id = $2 AND key = $3
        )
    ORDER BY step DESC, "timestamp" DESC, value DESC
    OFFSET $4
    LIMIT 1
) AS point
WHERE project_id = $1
    AND run_id = $2
    AND key = $3
    AND ((point.step, point."timestamp") <= (settled_step, settled_timestamp)) IS NOT TRUE
RETURNING settled_round;

-- name: long_series
-- The series of runs that have more than $3 points beyond their blocks.
SELECT series.project_id, series.run_id, series.key
FROM unnest($1::bigint[], $2::uuid[]) AS wanted (project_id, run_id)
CROSS JOIN LATERAL (
    SELECT * FROM covered_series
    WHERE project_id = wanted.project_id AND run_id = wanted.run_id
    OFFSET 0
) AS series
CROSS JOIN LATERAL (
    SELECT FROM metric_points
    WHERE project_id = series.project_id
        AND series_id = series.series_id
        AND (step, "timestamp", value)
            > (series.last_step, series.last_timestamp, series.last_value)
    OFFSET $3
    LIMIT 1
) AS further;

-- name: writers
-- The transactions that may be writing points. They hold this lock from before their snapshot to their end.
SELECT DISTINCT virtualtransaction
FROM pg_locks
WHERE relation = 'metric_points'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode = 'RowExclusiveLock'
    AND pid <> pg_backend_pid();

-- name: append_blocks
-- Make the next blocks of a series, which end before its settled moment ($3, $4), from at most $5 points;
-- count them.
WITH covered AS (
    SELECT block, last_step, last_timestamp, last_value
    FROM metric_blocks
    WHERE project_id = $1 AND series_id = $2
    ORDER BY block DESC
    LIMIT 1
),
numbered AS (
    SELECT
        point.*,
        (row_number() OVER (ORDER BY step, "timestamp", value) - 1)::int AS number
    FROM (
        SELECT step, "timestamp", value
        FROM metric_points
        WHERE project_id = $1
            AND series_id = $2
            AND (step, "timestamp", value) > (
                coalesce((SELECT last_step FROM covered), -9223372036854775808),
                coalesce((SELECT last_timestamp FROM covered), -9223372036854775808),
                coalesce((SELECT last_value FROM covered), '-Infinity')
            )
            AND (step, "timestamp") < ($3::bigint, $4::bigint)
        ORDER BY step, "timestamp", value
        LIMIT $5
    ) AS point
),
made AS (
    INSERT INTO metric_blocks (
        project_id, series_id, block,
        first_step, first_timestamp, first_value,
        last_step, last_timestamp, last_value,
        earliest, latest
    )
    SELECT
        $1,
        $2,
        coalesce((SELECT block FROM covered), -1) + 1 + number / 128,
        max(step) FILTER (WHERE number % 128 = 0),
        max("timestamp") FILTER (WHERE number % 128 = 0),
        max(value) FILTER (WHERE number % 128 = 0),
        max(step) FILTER (WHERE number % 128 = 127),
        max("timestamp") FILTER (WHERE number % 128 = 127),
        max(value) FILTER (WHERE number % 128 = 127),
        min("timestamp"),
        max("timestamp")
    FROM numbered
    GROUP BY number / 128
    HAVING count(*) = 128
    RETURNING 1
)
SELECT count(*) FROM made;
