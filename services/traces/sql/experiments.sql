-- name: find_experiment
-- The artifact location of an experiment that tracking has vouched for within the last minute.
SELECT artifact_location FROM experiments
WHERE project_id = $1 AND experiment_id = $2 AND checked_at > now() - interval '1 minute';

-- name: remember_experiment
INSERT INTO experiments (project_id, experiment_id, artifact_location, checked_at)
VALUES ($1, $2, $3, now())
ON CONFLICT (project_id, experiment_id) DO UPDATE
SET artifact_location = excluded.artifact_location, checked_at = excluded.checked_at
RETURNING experiment_id;

-- name: forget_experiment
DELETE FROM experiments WHERE project_id = $1 AND experiment_id = $2;
