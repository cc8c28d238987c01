-- name: known_experiments
-- Those of some experiments that tracking need not be asked about: it has vouched for them within the last minute, or they
-- are purged.
SELECT e.project_id, e.experiment_id, e.purged
FROM unnest($1::bigint[], $2::bigint[]) AS n (project_id, experiment_id)
JOIN experiments AS e USING (project_id, experiment_id)
WHERE e.purged OR e.checked_at > now() - interval '1 minute';

-- name: remember_experiment
INSERT INTO experiments AS e (project_id, experiment_id, artifact_location, checked_at)
VALUES ($1, $2, $3, now())
ON CONFLICT (project_id, experiment_id) DO UPDATE
SET artifact_location = excluded.artifact_location, checked_at = excluded.checked_at
WHERE NOT e.purged;

-- name: lock_experiments
-- Those of some experiments that take traces. None of them is purged until the transaction ends.
SELECT e.project_id, e.experiment_id
FROM unnest($1::bigint[], $2::bigint[]) AS n (project_id, experiment_id)
JOIN experiments AS e USING (project_id, experiment_id)
WHERE NOT e.purged AND e.checked_at > '-infinity'
ORDER BY e.project_id, e.experiment_id
FOR KEY SHARE OF e;

-- name: locate_experiment
SELECT artifact_location FROM experiments WHERE project_id = $1 AND experiment_id = $2 AND NOT purged;

-- name: forget_experiment
UPDATE experiments SET checked_at = '-infinity' WHERE project_id = $1 AND experiment_id = $2;

-- name: ensure_experiment
-- Make the row of an experiment that was never asked about.
INSERT INTO experiments (project_id, experiment_id, artifact_location, checked_at)
VALUES ($1, $2, '', '-infinity')
ON CONFLICT DO NOTHING;

-- name: lock_experiment
-- Wait for the transactions that put traces into an experiment.
SELECT FROM experiments WHERE project_id = $1 AND experiment_id = $2 FOR UPDATE;

-- name: close_experiment
UPDATE experiments SET purged = true WHERE project_id = $1 AND experiment_id = $2;
