-- name: try_lock
-- One process at a time looks for what has expired. The lock ends with the transaction.
SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || '.expiry'));

-- name: projects_with_traces
-- From each project the index leads to the next one, however many traces lie between.
WITH RECURSIVE found AS (
    (SELECT project_id FROM traces ORDER BY project_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT t.project_id FROM traces AS t WHERE t.project_id > f.project_id
        ORDER BY t.project_id LIMIT 1
    )
    FROM found AS f WHERE f.project_id IS NOT NULL
)
SELECT project_id FROM found WHERE project_id IS NOT NULL;

-- name: oldest_arrivals
-- The experiments of a project, and the milliseconds since the oldest trace of each arrived. From each experiment the
-- index leads to the next one.
WITH RECURSIVE found AS (
    (
        SELECT experiment_id, arrived_at FROM traces WHERE project_id = $1
        ORDER BY experiment_id, arrived_at LIMIT 1
    )
    UNION ALL
    SELECT following.experiment_id, following.arrived_at
    FROM found AS f
    CROSS JOIN LATERAL (
        SELECT t.experiment_id, t.arrived_at FROM traces AS t
        WHERE t.project_id = $1 AND t.experiment_id > f.experiment_id
        ORDER BY t.experiment_id, t.arrived_at LIMIT 1
    ) AS following
)
SELECT experiment_id, (extract(epoch FROM now() - arrived_at) * 1000)::double precision AS age
FROM found;

-- name: count_expired
SELECT count(*) FROM traces
WHERE project_id = $1 AND experiment_id = $2
    AND arrived_at <= now() - $3::double precision * interval '1 millisecond';

-- name: span_weeks
-- The weeks that have a partition and are over since more than some milliseconds and a day. A transaction that was begun
-- in such a week has ended.
SELECT week FROM (
    SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS week
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'spans'::regclass AND c.relname ~ '^spans_[0-9]{8}$'
) AS partitions
WHERE (week + 8)::timestamp AT TIME ZONE 'UTC' < now() - $1::double precision * interval '1 millisecond'
ORDER BY week;

-- name: has_traces
SELECT EXISTS (SELECT FROM traces WHERE week = $1);

-- name: patience
-- Dropping a partition locks all of `spans`: whatever comes after it waits while it waits.
SET LOCAL lock_timeout = '200ms';

-- name: drop_partition
DROP TABLE {partition};
