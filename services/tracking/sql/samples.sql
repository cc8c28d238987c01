-- name: sampled
-- At most $4 points of one metric in each of several runs, in the order of the runs, with steps from $5 to
-- $6. If a run has more points, they are sampled as in MLflow: the points are divided into $4 buckets of
-- equal size, and the first point of each bucket is taken; of the last bucket, the last point.
-- Also, by run, the series whose points beyond their blocks are many: more than $7.
-- A point is found by its rank: in its block from the nearer end, or beyond the blocks from the sampled point before it.
WITH RECURSIVE series AS (
    SELECT wanted.run, covered_series.*
    FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (run_id, run)
    JOIN covered_series
        ON covered_series.project_id = $1
        AND covered_series.run_id = wanted.run_id
        AND covered_series.key = $3
),
-- The ranks in the blocks of the first point from $5, and of the first after $6; then the points beyond.
counted AS (
    SELECT
        series.*,
        first.rank AS low,
        after.rank AS high,
        beyond.points AS beyond,
        after.rank - first.rank + beyond.points AS total
    FROM series
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT block * 128::bigint + (
                SELECT count(*)
                FROM metric_points AS point
                WHERE point.project_id = $1
                    AND point.series_id = series.series_id
                    AND (point.step, point."timestamp", point.value)
                        >= (block.first_step, block.first_timestamp, block.first_value)
                    AND point.step < $5
            )
            FROM metric_blocks AS block
            WHERE block.project_id = $1
                AND block.series_id = series.series_id
                AND block.block < series.blocks
                AND block.last_step >= $5
            ORDER BY block.block
            LIMIT 1
        ), series.blocks * 128::bigint) AS rank
        OFFSET 0
    ) AS first
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT (block + 1) * 128::bigint - (
                SELECT count(*)
                FROM metric_points AS point
                WHERE point.project_id = $1
                    AND point.series_id = series.series_id
                    AND (point.step, point."timestamp", point.value)
                        <= (block.last_step, block.last_timestamp, block.last_value)
                    AND point.step > $6
            )
            FROM metric_blocks AS block
            WHERE block.project_id = $1
                AND block.series_id = series.series_id
                AND block.block < series.blocks
                AND block.first_step <= $6
            ORDER BY block.block DESC
            LIMIT 1
        ), 0) AS rank
        OFFSET 0
    ) AS after
    CROSS JOIN LATERAL (
        SELECT count(*) AS points
        FROM metric_points
        WHERE metric_points.project_id = $1
            AND metric_points.series_id = series.series_id
            AND (step, "timestamp", value) > (
                greatest(last_step, $5),
                CASE WHEN last_step < $5 THEN -9223372036854775808 ELSE last_timestamp END,
                CASE WHEN last_step < $5 THEN '-Infinity' ELSE last_value END
            )
            AND step <= $6
    ) AS beyond
),
-- Reading all of so few points costs less than looking up each.
few AS (
    SELECT
        numbered.*,
        lag(bucket) OVER (PARTITION BY run ORDER BY position) AS previous_bucket
    FROM (
        SELECT
            counted.run,
            counted.run_id,
            counted.total,
            point.step,
            point."timestamp",
            point.value,
            ntile($4::int) OVER by_step AS bucket,
            row_number() OVER by_step AS position
        FROM counted
        JOIN metric_points AS point
            ON point.project_id = $1
            AND point.series_id = counted.series_id
            AND point.step BETWEEN $5 AND $6
        WHERE counted.total <= $4::bigint * 32
        WINDOW by_step AS (
            PARTITION BY counted.run
            ORDER BY point.step, point."timestamp", coalesce(nullif(point.value, 'NaN'), 0), point.value
        )
    ) AS numbered
),
many AS (
    SELECT
        counted.*,
        high - low AS covered,
        ARRAY(
            SELECT
                CASE n
                    WHEN $4 - 1 THEN total - 1
                    ELSE n * (total / $4) + least(n, total % $4)
                END
            FROM generate_series(0, $4::bigint - 1) AS n
            ORDER BY n
        ) AS ranks
    FROM counted
    WHERE total > $4::bigint * 32
),
in_blocks AS (
    SELECT many.run, many.run_id, many.series_id, sample.position, point.*
    FROM many
    CROSS JOIN unnest(ranks) WITH ORDINALITY AS sample (rank, position)
    CROSS JOIN LATERAL (
        SELECT metric_blocks.*, (many.low + sample.rank) % 128 AS place
        FROM metric_blocks
        WHERE metric_blocks.project_id = $1
            AND metric_blocks.series_id = many.series_id
            AND metric_blocks.block = (many.low + sample.rank) / 128
        OFFSET 0
    ) AS block
    CROSS JOIN LATERAL (
        (
            SELECT step, "timestamp", value
            FROM metric_points
            WHERE block.place < 64
                AND metric_points.project_id = $1
                AND metric_points.series_id = many.series_id
                AND (step, "timestamp", value)
                    >= (block.first_step, block.first_timestamp, block.first_value)
            ORDER BY step, "timestamp", value
            OFFSET block.place
            LIMIT 1
        )
        UNION ALL
        (
            SELECT step, "timestamp", value
            FROM metric_points
            WHERE block.place >= 64
                AND metric_points.project_id = $1
                AND metric_points.series_id = many.series_id
                AND (step, "timestamp", value)
                    <= (block.last_step, block.last_timestamp, block.last_value)
            ORDER BY step DESC, "timestamp" DESC, value DESC
            OFFSET 127 - block.place
            LIMIT 1
        )
    ) AS point
    WHERE sample.rank < many.covered
),
beyond_blocks AS (
    SELECT many.run, many.run_id, many.series_id, sample.position, many.ranks, point.*
    FROM many
    CROSS JOIN LATERAL (
        SELECT rank, position
        FROM unnest(ranks) WITH ORDINALITY AS sample (rank, position)
        WHERE rank >= many.covered
        ORDER BY position
        LIMIT 1
    ) AS sample
    CROSS JOIN LATERAL (
        SELECT step, "timestamp", value
        FROM metric_points
        WHERE metric_points.project_id = $1
            AND metric_points.series_id = many.series_id
            AND (step, "timestamp", value) > (
                greatest(last_step, $5),
                CASE WHEN last_step < $5 THEN -9223372036854775808 ELSE last_timestamp END,
                CASE WHEN last_step < $5 THEN '-Infinity' ELSE last_value END
            )
        ORDER BY step, "timestamp", value
        OFFSET sample.rank - many.covered
        LIMIT 1
    ) AS point
    UNION ALL
    SELECT previous.run, previous.run_id, previous.series_id, previous.position + 1, previous.ranks, point.*
    FROM beyond_blocks AS previous
    CROSS JOIN LATERAL (
        SELECT step, "timestamp", value
        FROM metric_points
        WHERE metric_points.project_id = $1
            AND metric_points.series_id = previous.series_id
            AND (step, "timestamp", value) >= (previous.step, previous."timestamp", previous.value)
        ORDER BY step, "timestamp", value
        OFFSET previous.ranks[previous.position + 1] - previous.ranks[previous.position]
        LIMIT 1
    ) AS point
    WHERE previous.position < $4
),
-- The index has NaN after all values of a moment, MLflow has it after 0. So at a moment that has NaN, the
-- point with the same number in MLflow's order is taken.
found AS (
    SELECT run, run_id, position, step, "timestamp", value
    FROM few
    WHERE total <= $4
        OR position = total
        OR (bucket < $4 AND bucket IS DISTINCT FROM previous_bucket)
    UNION ALL
    SELECT
        run,
        run_id,
        position,
        step,
        "timestamp",
        CASE
            WHEN EXISTS (
                SELECT
                FROM metric_points AS point
                WHERE point.project_id = $1
                    AND point.series_id = sample.series_id
                    AND point.step = sample.step
                    AND point."timestamp" = sample."timestamp"
                    AND point.value = 'NaN'
            ) THEN (
                SELECT value
                FROM metric_points AS point
                WHERE point.project_id = $1
                    AND point.series_id = sample.series_id
                    AND point.step = sample.step
                    AND point."timestamp" = sample."timestamp"
                ORDER BY coalesce(nullif(value, 'NaN'), 0), value
                OFFSET (
                    SELECT count(*)
                    FROM metric_points AS lower
                    WHERE lower.project_id = $1
                        AND lower.series_id = sample.series_id
                        AND lower.step = sample.step
                        AND lower."timestamp" = sample."timestamp"
                        AND lower.value < sample.value
                )
                LIMIT 1
            )
            ELSE value
        END
    FROM (
        SELECT run, run_id, series_id, position, step, "timestamp", value FROM in_blocks
        UNION ALL
        SELECT run, run_id, series_id, position, step, "timestamp", value FROM beyond_blocks
    ) AS sample
)
SELECT
    convert_to(coalesce(string_agg(json_build_object(
        'key', $3::text,
        'value', value,
        'timestamp', "timestamp",
        'step', step,
        'run_id', replace(run_id::text, '-', '')
    )::text, ',' ORDER BY run, position), ''), 'UTF8') AS json,
    ARRAY(SELECT DISTINCT run_id FROM counted WHERE beyond > $7) AS unsettled
FROM found;
