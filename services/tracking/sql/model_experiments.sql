-- name: experiment_of_model
-- The experiment that belongs to a model.
SELECT experiment_id, name FROM experiments WHERE project_id = $1 AND registered_model_id = $2;

-- name: model_of_experiment
-- The model that an experiment belongs to; NULL if it belongs to none.
SELECT registered_model_id FROM experiments WHERE project_id = $1 AND experiment_id = $2;

-- name: experiment_by_name
-- An experiment by its name: the model that it belongs to, and whether it is deleted.
SELECT experiment_id, registered_model_id, deleted FROM experiments
WHERE project_id = $1 AND name = $2;

-- name: assign_experiment
-- Assign an experiment to a model.
UPDATE experiments SET registered_model_id = $3 WHERE project_id = $1 AND experiment_id = $2;

-- name: delete_experiment_of_model
-- Mark the experiment of a deleted model, and its runs, deleted. Its new name, which contains the model's
-- id, frees the old one.
WITH experiment AS (
    UPDATE experiments
    SET
        registered_model_id = NULL,
        name = name || ' (deleted ' || registered_model_id || ')',
        deleted = true,
        last_update_time = $3
    WHERE project_id = $1 AND registered_model_id = $2
    RETURNING experiment_id
),
found AS (
    SELECT runs.run_id
    FROM experiment
    CROSS JOIN LATERAL (
        SELECT run_id FROM runs WHERE project_id = $1 AND experiment_id = experiment.experiment_id OFFSET 0
    ) AS runs
    ORDER BY runs.run_id
),
locked AS MATERIALIZED (
    SELECT runs.run_id
    FROM found
    CROSS JOIN LATERAL (
        SELECT run_id FROM runs WHERE project_id = $1 AND run_id = found.run_id FOR NO KEY UPDATE
    ) AS runs
),
its_runs AS (
    UPDATE runs SET deleted = true, deleted_time = $3
    FROM locked
    WHERE runs.project_id = $1 AND runs.run_id = locked.run_id
)
SELECT experiment_id FROM experiment;

-- name: claim_run
-- Record that a version, which is not created yet, has a run. A repeated claim only gets a new time.
INSERT INTO version_runs (project_id, claim, registered_model_id, run_id, made, claimed_time)
VALUES ($1, $2, $3, $4, $5, extract(epoch FROM clock_timestamp()) * 1000)
ON CONFLICT (project_id, claim) DO UPDATE SET claimed_time = excluded.claimed_time;

-- name: confirm_run
-- Record that the version of a claim is created.
UPDATE version_runs SET confirmed = true WHERE project_id = $1 AND claim = $2;

-- name: is_claimed
-- Whether a run has a confirmed claim, or one of the last $3 milliseconds.
SELECT EXISTS (
    SELECT FROM version_runs
    WHERE project_id = $1 AND run_id = $2 AND (
            confirmed
            OR claimed_time >= (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $3::bigint
        )
);

-- name: delete_claim
-- Remove the claim of a version.
DELETE FROM version_runs WHERE project_id = $1 AND claim = $2
RETURNING run_id, made;

-- name: delete_claims
-- Remove the claims of all versions of a model.
DELETE FROM version_runs WHERE project_id = $1 AND registered_model_id = $2;
