-- name: scorer_room
-- What the other scorers of an experiment take, and the versions of the scorer with a name.
SELECT
    count(*) FILTER (WHERE name <> $3) AS others,
    coalesce(sum(newest_size) FILTER (WHERE name <> $3), 0)::bigint AS size_of_others,
    coalesce(sum(versions) FILTER (WHERE name = $3), 0)::bigint AS versions,
    coalesce(sum(size) FILTER (WHERE name = $3), 0)::bigint AS size
FROM scorers
WHERE project_id = $1 AND experiment_id = $2;

-- name: register_scorer
-- Take a scorer's next number and insert a version. The scorer's row is locked until the end of the transaction, and
-- its counter is read after the lock: no gap, no number twice.
WITH scorer AS (
    INSERT INTO scorers AS s (
        project_id, experiment_id, name, scorer_id, newest_version, newest_size, versions, size
    )
    VALUES ($1, $2, $3, $4, 1, char_length($5), 1, char_length($5))
    ON CONFLICT (project_id, experiment_id, name) DO UPDATE SET
        newest_version = s.newest_version + 1,
        newest_size = excluded.newest_size,
        versions = s.versions + 1,
        size = s.size + excluded.size
    RETURNING scorer_id, newest_version
)
INSERT INTO scorer_versions (project_id, scorer_id, version, serialized_scorer, creation_time)
SELECT $1, scorer_id, newest_version, $5, $6 FROM scorer
RETURNING scorer_id, version;

-- name: sizes_of_scorers
-- The characters of the newest scorers of some experiments, or of all if there is no list.
SELECT experiment_id, sum(newest_size)::bigint AS size FROM scorers
WHERE project_id = $1 AND ($2::bigint[] IS NULL OR experiment_id = ANY($2::bigint[]))
GROUP BY experiment_id
ORDER BY experiment_id
LIMIT $3;

-- name: list_scorers
SELECT s.experiment_id, s.name, s.scorer_id, v.version, v.serialized_scorer, v.creation_time
FROM scorers AS s
JOIN scorer_versions AS v USING (project_id, scorer_id)
WHERE s.project_id = $1 AND s.experiment_id = ANY($2::bigint[]) AND v.version = s.newest_version
ORDER BY s.experiment_id, s.name;

-- name: list_scorer_versions
SELECT s.experiment_id, s.name, s.scorer_id, v.version, v.serialized_scorer, v.creation_time
FROM scorers AS s
JOIN scorer_versions AS v USING (project_id, scorer_id)
WHERE s.project_id = $1 AND s.experiment_id = $2 AND s.name = $3
ORDER BY v.version;

-- name: find_scorer_version
-- A version of a scorer, or its newest one.
SELECT s.experiment_id, s.name, s.scorer_id, v.version, v.serialized_scorer, v.creation_time
FROM scorers AS s
JOIN scorer_versions AS v USING (project_id, scorer_id)
WHERE s.project_id = $1 AND s.experiment_id = $2 AND s.name = $3
    AND v.version = coalesce($4, s.newest_version);

-- name: lock_scorer
SELECT scorer_id FROM scorers
WHERE project_id = $1 AND experiment_id = $2 AND name = $3
FOR UPDATE;

-- name: delete_scorer_version
-- Delete a version of a locked scorer. Its number is given again if it was the newest, as in MLflow. Returns how many
-- versions are left.
WITH gone AS (
    DELETE FROM scorer_versions WHERE project_id = $1 AND scorer_id = $2 AND version = $3
    RETURNING char_length(serialized_scorer) AS size
),
newest AS (
    SELECT version, char_length(serialized_scorer) AS size FROM scorer_versions
    WHERE project_id = $1 AND scorer_id = $2 AND version <> $3
    ORDER BY version DESC
    LIMIT 1
)
UPDATE scorers AS s SET
    newest_version = coalesce((SELECT version FROM newest), 0),
    newest_size = coalesce((SELECT size FROM newest), 0),
    versions = s.versions - 1,
    size = s.size - gone.size
FROM gone
WHERE s.project_id = $1 AND s.scorer_id = $2
RETURNING s.versions;

-- name: delete_scorer
WITH versions AS (
    DELETE FROM scorer_versions WHERE project_id = $1 AND scorer_id = $2
)
DELETE FROM scorers WHERE project_id = $1 AND scorer_id = $2;

-- name: set_online_config
UPDATE scorers SET online_config_id = $4, sample_rate = $5, filter_string = $6
WHERE project_id = $1 AND experiment_id = $2 AND name = $3
RETURNING online_config_id, scorer_id, sample_rate, experiment_id, filter_string;

-- name: list_online_configs
SELECT online_config_id, scorer_id, sample_rate, experiment_id, filter_string FROM scorers
WHERE project_id = $1 AND scorer_id = ANY($2::text[]) AND online_config_id IS NOT NULL
ORDER BY scorer_id;

-- name: purge_scorer_versions
-- Delete versions of the scorers of a purged experiment.
DELETE FROM scorer_versions WHERE ctid = ANY(ARRAY(
    SELECT v.ctid FROM scorers AS s
    JOIN scorer_versions AS v USING (project_id, scorer_id)
    WHERE s.project_id = $1 AND s.experiment_id = $2
    LIMIT $3
));

-- name: purge_scorers
DELETE FROM scorers WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM scorers WHERE project_id = $1 AND experiment_id = $2 LIMIT $3
));
