-- name: mark_runs
-- Begin the attempt $1 to fold at most $2 runs, and return them. Left out are runs that are still at work and were
-- written to during an attempt after $3, runs of another attempt after $3, which may still be under way, and runs
-- without an experiment, which are about to be purged. Of $5 parts of all runs, a power of two, only the one with the
-- number $4 is looked at.
UPDATE runs SET fold_attempt = $1
WHERE ctid = ANY (ARRAY(
    SELECT marked.place
    FROM unfolded_runs AS unfolded
    CROSS JOIN LATERAL (
        SELECT ctid AS place
        FROM runs
        WHERE project_id = unfolded.project_id
            AND run_id = unfolded.run_id
            AND experiment_number IS NOT NULL
            AND (
                fold_attempt = 0
                OR abs(fold_attempt) < $3
                OR (fold_attempt < 0 AND status NOT IN ('RUNNING', 'SCHEDULED'))
            )
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS marked
    WHERE uuid_hash(unfolded.run_id) & ($5::int - 1) = $4::int
    LIMIT $2
))
RETURNING project_id, run_id;

-- name: is_backlog
-- Whether more than $1 runs are not folded.
SELECT EXISTS (SELECT FROM unfolded_runs OFFSET $1);

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

-- name: read_runs
-- What is folded of runs, and the documents that they had when they were folded before.
SELECT
    runs.project_id, runs.run_id, runs.experiment_number, runs.start_time, newest.keys, newest.values,
    (
        SELECT members FROM run_data WHERE project_id = given.project_id AND run_id = given.run_id
    ) AS members,
    (
        SELECT document FROM run_documents WHERE project_id = given.project_id AND run_id = given.run_id
    ) AS document
FROM unnest($1::bigint[], $2::uuid[]) AS given (project_id, run_id)
CROSS JOIN LATERAL (
    SELECT * FROM runs WHERE project_id = given.project_id AND run_id = given.run_id OFFSET 0
) AS runs
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(key), '{}') AS keys, coalesce(array_agg(value), '{}') AS values
    FROM latest_metrics
    WHERE project_id = given.project_id AND run_id = given.run_id
) AS newest;

-- name: insert_newest
-- Insert the newest points of runs.
INSERT INTO newest_metrics (experiment_number, key, value, start_time, run_id)
SELECT * FROM unnest($1::int[], $2::text[], $3::double precision[], $4::bigint[], $5::uuid[]);

-- name: delete_newest
-- Delete newest points that are not the newest any more.
DELETE FROM newest_metrics WHERE ctid = ANY (ARRAY(
    SELECT newest.place
    FROM unnest($1::int[], $2::text[], $3::double precision[], $4::bigint[], $5::uuid[])
        AS gone (experiment_number, key, value, start_time, run_id)
    CROSS JOIN LATERAL (
        SELECT ctid AS place FROM newest_metrics
        WHERE experiment_number = gone.experiment_number
            AND key = gone.key
            AND value = gone.value
            AND start_time = gone.start_time
            AND run_id = gone.run_id
        OFFSET 0
    ) AS newest
));

-- name: store_documents
-- Store the documents of runs, and mark the runs folded.
WITH given AS (
    SELECT *
    FROM unnest($1::bigint[], $2::uuid[], $3::int[], $4::bigint[], $5::bytea[])
        AS given (project_id, run_id, experiment_number, start_time, document)
),
stored AS (
    INSERT INTO run_documents (project_id, run_id, experiment_number, start_time, document)
    SELECT * FROM given
    ON CONFLICT (project_id, run_id) DO UPDATE SET document = excluded.document
),
found AS (
    SELECT runs.*
    FROM given
    CROSS JOIN LATERAL (
        SELECT ctid AS place, project_id, experiment_id, run_id FROM runs
        WHERE project_id = given.project_id AND run_id = given.run_id
        OFFSET 0
    ) AS runs
),
gone AS (
    DELETE FROM unfolded_runs WHERE ctid = ANY (ARRAY(
        SELECT unfolded.place
        FROM found
        CROSS JOIN LATERAL (
            SELECT ctid AS place FROM unfolded_runs
            WHERE project_id = found.project_id
                AND experiment_id = found.experiment_id
                AND run_id = found.run_id
            OFFSET 0
        ) AS unfolded
    ))
)
UPDATE runs SET folded = true WHERE ctid = ANY (ARRAY(SELECT place FROM found));

-- name: take_documents
-- Remove the documents of the runs $2, of the experiments $3, that are being purged, and return them.
WITH gone AS (
    DELETE FROM unfolded_runs WHERE ctid = ANY (ARRAY(
        SELECT unfolded.place
        FROM unnest($2::uuid[], $3::bigint[]) AS given (run_id, experiment_id)
        CROSS JOIN LATERAL (
            SELECT ctid AS place FROM unfolded_runs
            WHERE project_id = $1
                AND experiment_id = given.experiment_id
                AND run_id = given.run_id
            OFFSET 0
        ) AS unfolded
    ))
)
DELETE FROM run_documents WHERE project_id = $1 AND run_id = ANY($2::uuid[])
RETURNING run_id, experiment_number, start_time, document;
