-- Each series with the number of its true blocks, and with the last point in them (ADR 15). Without blocks that is a
-- point before all others.
CREATE VIEW covered_series AS
SELECT
    series.project_id,
    series.run_id,
    series.key,
    series.series_id,
    coalesce(covered.blocks, 0) AS blocks,
    coalesce(covered.last_step, -9223372036854775808) AS last_step,
    coalesce(covered.last_timestamp, -9223372036854775808) AS last_timestamp,
    coalesce(covered.last_value, '-Infinity') AS last_value
FROM metric_series AS series
LEFT JOIN LATERAL (
    SELECT block + 1 AS blocks, last_step, last_timestamp, last_value
    FROM metric_blocks
    WHERE metric_blocks.project_id = series.project_id
        AND metric_blocks.series_id = series.series_id
        AND (last_step, last_timestamp) < (settled_step, settled_timestamp)
    ORDER BY block DESC
    LIMIT 1
) AS covered ON true;
