-- name: mark_runs
-- Begin the attempt $1 to fold at most $2 runs, and return them. A run that is still at work and was written to
-- during an attempt after $3 is left in peace, and so is a run of another attempt after $3, which may go on.
UPDATE runs SET fold_attempt = $1
WHERE ctid = ANY (ARRAY(
    SELECT ctid
    FROM runs
    WHERE NOT folded
        AND (
            fold_attempt = 0
            OR abs(fold_attempt) < $3
            OR (fold_attempt < 0 AND status NOT IN ('RUNNING', 'SCHEDULED'))
        )
    LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
))
RETURNING project_id, run_id;

-- name: transactions
-- The transactions of this role that are at work in other sessions.
SELECT pg_locks.virtualtransaction
FROM pg_locks
JOIN pg_stat_activity USING (pid)
WHERE pg_locks.locktype = 'virtualxid'
    AND pg_locks.granted
    AND pg_locks.mode = 'ExclusiveLock'
    AND pg_stat_activity.usename = current_user
    AND pg_stat_activity.datname = current_database()
    AND pid <> pg_backend_pid();

-- name: lock_marked_runs
-- Lock those of the runs that nothing was written to since the attempt $3 began.
SELECT runs.project_id, runs.run_id
FROM unnest($1::bigint[], $2::uuid[]) AS wanted (project_id, run_id)
CROSS JOIN LATERAL (
    SELECT project_id, run_id FROM runs
    WHERE project_id = wanted.project_id AND run_id = wanted.run_id
        AND fold_attempt = $3
        AND NOT folded
    FOR NO KEY UPDATE SKIP LOCKED
) AS runs;

-- name: fold_runs
-- Store the newest metrics and the documents of runs, and mark the runs folded.
WITH wanted AS (
    SELECT runs.project_id, runs.run_id, runs.experiment_id, runs.start_time, runs.place
    FROM unnest($1::bigint[], $2::uuid[]) AS given (project_id, run_id)
    CROSS JOIN LATERAL (
        SELECT *, ctid AS place FROM runs
        WHERE project_id = given.project_id AND run_id = given.run_id
        OFFSET 0
    ) AS runs
),
metrics AS (
    INSERT INTO newest_metrics AS old (project_id, run_id, key, value, experiment_id, start_time)
    SELECT
        wanted.project_id, wanted.run_id, newest.key, newest.value, wanted.experiment_id, wanted.start_time
    FROM wanted
    CROSS JOIN LATERAL (
        SELECT key, value FROM latest_metrics
        WHERE project_id = wanted.project_id AND run_id = wanted.run_id
        OFFSET 0
    ) AS newest
    ON CONFLICT (project_id, run_id, key) DO UPDATE SET value = excluded.value
    WHERE old.value <> excluded.value
),
documents AS (
    INSERT INTO run_documents (project_id, run_id, document)
    SELECT wanted.project_id, wanted.run_id, (
        SELECT convert_to(members, 'UTF8') FROM run_data
        WHERE project_id = wanted.project_id AND run_id = wanted.run_id
    )
    FROM wanted
    ON CONFLICT (project_id, run_id) DO UPDATE SET document = excluded.document
)
UPDATE runs SET folded = true WHERE ctid = ANY (ARRAY(SELECT place FROM wanted));
