-- name: ensure_projects
-- Give each new project its counter and its experiment 0, "Default".
WITH new_projects AS (
    INSERT INTO projects (project_id)
    SELECT project_id FROM unnest($1::bigint[]) AS wanted (project_id) ORDER BY project_id
    ON CONFLICT (project_id) DO NOTHING
    RETURNING project_id
)
INSERT INTO experiments
    (project_id, experiment_id, name, artifact_location, creation_time, last_update_time)
SELECT project_id, 0, 'Default', 'mlflow-artifacts:/' || project_id || '/0', $2, $2
FROM new_projects
ON CONFLICT DO NOTHING;

-- name: create_experiment
-- Take the project's next id and insert an experiment and its tags. No row: the name is taken; the
-- id is lost.
WITH numbered AS (
    UPDATE projects SET next_experiment_id = next_experiment_id + 1
    WHERE project_id = $1
    RETURNING next_experiment_id - 1 AS experiment_id
),
experiment AS (
    INSERT INTO experiments
        (project_id, experiment_id, name, artifact_location, creation_time, last_update_time)
    SELECT
        $1, experiment_id, $2,
        coalesce($3, 'mlflow-artifacts:/' || $1::bigint || '/' || experiment_id), $4, $4
    FROM numbered
    ON CONFLICT (project_id, name) DO NOTHING
    RETURNING experiment_id
),
tagged AS (
    INSERT INTO experiment_tags (project_id, experiment_id, key, value)
    SELECT $1, experiment_id, tag.key, tag.value
    FROM experiment, unnest($5::text[], $6::text[]) AS tag (key, value)
)
SELECT experiment_id FROM experiment;

-- name: experiment_named
-- The experiment with a name, deleted or not.
SELECT experiment_id, deleted FROM experiments WHERE project_id = $1 AND name = $2;

-- name: experiment_state
-- Whether an experiment is deleted. No row: no such experiment.
SELECT deleted FROM experiments WHERE project_id = $1 AND experiment_id = $2;

-- name: experiment_location
-- Where an experiment keeps artifacts, and whether it is deleted.
SELECT artifact_location, deleted FROM experiments WHERE project_id = $1 AND experiment_id = $2;

-- name: experiment_tag
-- The values of a tag of some experiments, deleted or not.
SELECT experiment_id, value FROM experiment_tags
WHERE project_id = $1 AND experiment_id = ANY($2::bigint[]) AND key = $3;

-- name: rename_experiment
-- Rename an active experiment.
UPDATE experiments SET name = $3, last_update_time = $4
WHERE project_id = $1 AND experiment_id = $2 AND NOT deleted
RETURNING experiment_id;

-- name: delete_experiment
-- Mark an active experiment and its runs deleted.
-- Its runs are locked in the order of their ids, as writers lock folded runs. So none waits for one that waits for it.
WITH experiment AS (
    UPDATE experiments SET deleted = true, last_update_time = $3
    WHERE project_id = $1 AND experiment_id = $2 AND NOT deleted
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

-- name: restore_experiment
-- Mark a deleted experiment and its runs active. They are locked as by delete_experiment.
WITH experiment AS (
    UPDATE experiments SET deleted = false, last_update_time = $3
    WHERE project_id = $1 AND experiment_id = $2 AND deleted
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
    UPDATE runs SET deleted = false, deleted_time = NULL
    FROM locked
    WHERE runs.project_id = $1 AND runs.run_id = locked.run_id
)
SELECT experiment_id FROM experiment;

-- name: set_experiment_tag
-- Set or overwrite one tag.
INSERT INTO experiment_tags (project_id, experiment_id, key, value) VALUES ($1, $2, $3, $4)
ON CONFLICT (project_id, experiment_id, key) DO UPDATE SET value = excluded.value;

-- name: delete_experiment_tag
-- Remove one tag.
DELETE FROM experiment_tags WHERE project_id = $1 AND experiment_id = $2 AND key = $3
RETURNING key;

-- name: read_experiments
-- Whole experiments in MLflow's JSON, comma-separated, in the order of the ids. OFFSET 0 as in read_runs.
SELECT convert_to(coalesce(string_agg(json_build_object(
    'experiment_id', experiments.experiment_id::text,
    'name', experiments.name,
    'artifact_location', experiments.artifact_location,
    'lifecycle_stage', CASE WHEN experiments.deleted THEN 'deleted' ELSE 'active' END,
    'last_update_time', experiments.last_update_time,
    'creation_time', experiments.creation_time,
    'tags', coalesce(tagged.items, '[]')
)::text, ',' ORDER BY wanted.position), ''), 'UTF8')
FROM unnest($2::bigint[]) WITH ORDINALITY AS wanted (experiment_id, position)
CROSS JOIN LATERAL (
    SELECT * FROM experiments
    WHERE project_id = $1 AND experiment_id = wanted.experiment_id
    OFFSET 0
) AS experiments
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
    FROM experiment_tags
    WHERE project_id = $1 AND experiment_id = wanted.experiment_id
) AS tagged;
