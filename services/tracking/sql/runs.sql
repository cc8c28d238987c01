-- name: create_run
-- Insert a run and its tags if its experiment is active. No row: no such experiment.
-- The artifact URI is the experiment's location, with the run's path inserted before its query string.
WITH experiment AS (
    SELECT artifact_location AS location, deleted, experiment_number
    FROM experiments
    WHERE project_id = $1 AND experiment_id = $2
),
run AS (
    INSERT INTO runs (
        project_id, run_id, experiment_id, experiment_number, name, user_id, status, start_time,
        artifact_uri
    )
    SELECT
        $1, $3, $2, experiment_number, $4, $5, 'RUNNING', $6,
        rtrim(substring(location FROM '^[^?#]*'), '/') || '/' || $7::text || '/artifacts'
        || coalesce(substring(location FROM '[?#].*$'), '')
    FROM experiment
    WHERE NOT deleted
    RETURNING artifact_uri, experiment_number
),
unfolded AS (
    INSERT INTO unfolded_runs (project_id, experiment_id, run_id) SELECT $1, $2, $3 FROM run
),
run_tags AS (
    INSERT INTO tags (project_id, run_id, key, value, experiment_number, start_time)
    SELECT $1, $3, tag.key, tag.value, run.experiment_number, $6
    FROM run, unnest($8::text[], $9::text[]) AS tag (key, value)
)
SELECT experiment.deleted, run.artifact_uri
FROM experiment LEFT JOIN run ON true;

-- name: run_state
-- Whether a run is deleted, its experiment, and whether it must be unfolded before it is written to. No row: no such
-- run.
SELECT deleted, experiment_id, fold_attempt > 0 AS folded FROM runs WHERE project_id = $1 AND run_id = $2;

-- name: run_of_iid
-- The run with an iid.
SELECT run_id FROM runs WHERE project_id = $1 AND iid = $2;

-- name: lock_run
-- As run_state, with the artifact URI, and lock the run until the transaction ends.
SELECT deleted, experiment_id, artifact_uri, fold_attempt > 0 AS folded FROM runs
WHERE project_id = $1 AND run_id = $2
FOR UPDATE;

-- name: run_artifact_uri
-- Where a run keeps artifacts.
SELECT artifact_uri FROM runs WHERE project_id = $1 AND run_id = $2;

-- name: update_run
-- Change those values of an active run that are not NULL. A new name also goes to the tag mlflow.runName.
-- No row: there is no such active run.
WITH run AS (
    UPDATE runs
    SET
        status = coalesce($3, status),
        end_time = coalesce($4, end_time),
        name = coalesce($5, name),
        folded = folded AND $5 IS NULL,
        fold_attempt = CASE WHEN $5 IS NULL THEN fold_attempt ELSE -abs(fold_attempt) END
    WHERE project_id = $1 AND run_id = $2 AND NOT deleted
    RETURNING *
),
unfolded AS (
    INSERT INTO unfolded_runs (project_id, experiment_id, run_id)
    SELECT project_id, experiment_id, run_id FROM run WHERE $5 IS NOT NULL
    ON CONFLICT DO NOTHING
),
run_name AS (
    INSERT INTO tags (project_id, run_id, key, value, experiment_number, start_time)
    SELECT $1, $2, 'mlflow.runName', $5, experiment_number, start_time
    FROM run
    WHERE $5 IS NOT NULL
    ON CONFLICT (project_id, run_id, key) DO UPDATE SET value = excluded.value
)
SELECT * FROM run;

-- name: delete_run
-- Mark a run deleted. A deleted one gets a new deletion time.
UPDATE runs SET deleted = true, deleted_time = $3
WHERE project_id = $1 AND run_id = $2
RETURNING experiment_id;

-- name: restore_run
-- Mark a run active. An active one stays active.
UPDATE runs SET deleted = false, deleted_time = NULL
WHERE project_id = $1 AND run_id = $2
RETURNING experiment_id;

-- name: get_tag
-- The value of one tag.
SELECT value FROM tags WHERE project_id = $1 AND run_id = $2 AND key = $3;

-- name: set_tag
-- Set or overwrite one tag.
INSERT INTO tags (project_id, run_id, key, value, experiment_number, start_time)
SELECT $1, $2, $3, $4, experiment_number, start_time FROM runs WHERE project_id = $1 AND run_id = $2
ON CONFLICT (project_id, run_id, key) DO UPDATE SET value = excluded.value;

-- name: delete_tag
-- Remove one tag.
DELETE FROM tags WHERE project_id = $1 AND run_id = $2 AND key = $3
RETURNING key;

-- name: read_folded_runs
-- Runs in the order of the ids. A folded run has its compressed document, which holds the metrics, params, tags and
-- so on; of any other run it is NULL. In GitLab's dialect ($3) runs have the iid that its file routes use.
-- OFFSET 0 makes PostgreSQL look each run up by its key. Without it the planner reads all runs of a project
-- that it believes to have few.
SELECT
    runs.run_id,
    runs.name,
    runs.experiment_id,
    runs.user_id,
    runs.status,
    runs.start_time,
    runs.end_time,
    runs.artifact_uri,
    runs.deleted,
    CASE $3::text WHEN 'gitlab' THEN runs.iid END AS iid,
    CASE
        WHEN runs.folded THEN (
            SELECT document FROM run_documents
            WHERE project_id = $1 AND run_id = wanted.run_id
        )
    END AS document,
    NULL::text AS members
FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (run_id, position)
CROSS JOIN LATERAL (
    SELECT * FROM runs WHERE project_id = $1 AND run_id = wanted.run_id OFFSET 0
) AS runs
ORDER BY wanted.position;

-- name: read_runs
-- The same columns of runs, folded or not. A run that is not folded has the members of that JSON as text. For many runs
-- read_folded_runs comes first: preparing the look-ups in all tables takes longer than the rest of that statement.
SELECT
    runs.run_id,
    runs.name,
    runs.experiment_id,
    runs.user_id,
    runs.status,
    runs.start_time,
    runs.end_time,
    runs.artifact_uri,
    runs.deleted,
    CASE $3::text WHEN 'gitlab' THEN runs.iid END AS iid,
    CASE
        WHEN runs.folded THEN (
            SELECT document FROM run_documents
            WHERE project_id = $1 AND run_id = wanted.run_id
        )
    END AS document,
    CASE
        WHEN NOT runs.folded THEN (
            SELECT members FROM run_data
            WHERE project_id = $1 AND run_id = wanted.run_id
        )
    END AS members
FROM unnest($2::uuid[]) AS wanted (run_id)
CROSS JOIN LATERAL (
    SELECT * FROM runs WHERE project_id = $1 AND run_id = wanted.run_id OFFSET 0
) AS runs;
