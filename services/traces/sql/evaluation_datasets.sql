-- name: create_dataset
INSERT INTO evaluation_datasets (
    project_id, dataset_id, name, created_time, last_update_time, digest, created_by, last_updated_by
)
SELECT $1, $2, $3, c.now, c.now, left(encode(sha256(convert_to($3 || ':' || c.now, 'UTF8')), 'hex'), 8), $4, $4
FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS c
RETURNING created_time;

-- name: read_datasets
-- Datasets with their tags, in the order of the ids, up to a number of characters; at least one.
SELECT * FROM (
    SELECT
        read.*,
        sum(read.size) OVER (ORDER BY read.place) - read.size AS before
    FROM (
        SELECT
            wanted.place, d.dataset_id, d.name, d.created_time, d.last_update_time, d.digest,
            d.schema, d.record_count, d.created_by, d.last_updated_by, t.tags,
            coalesce(char_length(d.schema), 0) + coalesce(char_length(t.tags), 0) AS size
        FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (dataset_id, place)
        JOIN evaluation_datasets AS d ON d.project_id = $1 AND d.dataset_id = wanted.dataset_id
        CROSS JOIN LATERAL (
            SELECT json_object_agg(e.key, e.value ORDER BY e.key)::text AS tags
            FROM evaluation_dataset_tags AS e
            WHERE e.project_id = d.project_id AND e.dataset_id = d.dataset_id
        ) AS t
    ) AS read
) AS counted
WHERE before < $3 OR before = 0
ORDER BY place;

-- name: find_dataset
SELECT true FROM evaluation_datasets WHERE project_id = $1 AND dataset_id = $2;

-- name: lock_dataset
-- Lock a dataset until the end of the transaction, and return the time of its next update.
SELECT
    schema,
    greatest((extract(epoch FROM clock_timestamp()) * 1000)::bigint, last_update_time + 1) AS now
FROM evaluation_datasets
WHERE project_id = $1 AND dataset_id = $2
FOR UPDATE;

-- name: lock_datasets
-- Lock datasets one after the other: rows are locked in the order in which they are sorted.
SELECT FROM evaluation_datasets AS d
JOIN unnest($1::bigint[], $2::uuid[]) AS n (project_id, dataset_id) USING (project_id, dataset_id)
ORDER BY d.project_id, d.dataset_id
FOR UPDATE OF d;

-- name: note_merge
-- What a merge of records changes of its dataset.
UPDATE evaluation_datasets SET
    last_update_time = $3,
    last_updated_by = $4,
    digest = left(encode(sha256(convert_to(name || ':' || $3::bigint, 'UTF8')), 'hex'), 8),
    schema = $5,
    record_count = CASE WHEN $6::bigint > 0 THEN coalesce(record_count, 0) + $6 ELSE record_count END
WHERE project_id = $1 AND dataset_id = $2;

-- name: note_deletion
-- Like MLflow, the deletion of records is not an update.
UPDATE evaluation_datasets SET record_count = record_count - $3
WHERE project_id = $1 AND dataset_id = $2;

-- name: touch_dataset
UPDATE evaluation_datasets SET last_update_time = $3
WHERE project_id = $1 AND dataset_id = $2;

-- name: delete_dataset
-- Delete a dataset. No row: there was none.
DELETE FROM evaluation_datasets WHERE project_id = $1 AND dataset_id = $2 RETURNING dataset_id;

-- name: delete_rest_of_dataset
-- Delete the tags and links of a deleted dataset, and note that its records are to be deleted. It is a statement of its
-- own: the one before may have waited for a change of the dataset, whose rows it does not see.
WITH of_tags AS (
    DELETE FROM evaluation_dataset_tags WHERE project_id = $1 AND dataset_id = $2
), of_links AS (
    DELETE FROM evaluation_dataset_experiments WHERE project_id = $1 AND dataset_id = $2
)
INSERT INTO evaluation_dataset_purges (project_id, dataset_id) VALUES ($1, $2)
ON CONFLICT DO NOTHING;

-- name: set_tags
INSERT INTO evaluation_dataset_tags AS t (project_id, dataset_id, key, value)
SELECT $1, $2, n.key, n.value FROM unnest($3::text[], $4::text[]) AS n (key, value)
ON CONFLICT (project_id, dataset_id, key) DO UPDATE SET value = excluded.value
WHERE t.value <> excluded.value;

-- name: delete_tags
DELETE FROM evaluation_dataset_tags
WHERE project_id = $1 AND dataset_id = $2 AND key = ANY($3::text[])
RETURNING key;

-- name: list_experiments
-- The experiments of a dataset, in MLflow's order.
SELECT experiment_id FROM evaluation_dataset_experiments
WHERE project_id = $1 AND dataset_id = $2
ORDER BY created_time, experiment_id;

-- name: linked_experiments
-- Those of some experiments that a dataset is linked to.
SELECT experiment_id FROM evaluation_dataset_experiments
WHERE project_id = $1 AND dataset_id = $2 AND experiment_id = ANY($3::text[]);

-- name: link_experiments
INSERT INTO evaluation_dataset_experiments (project_id, dataset_id, experiment_id, created_time)
SELECT $1, $2, n.experiment_id, $4 FROM unnest($3::text[]) AS n (experiment_id)
ON CONFLICT DO NOTHING;

-- name: unlink_experiments
DELETE FROM evaluation_dataset_experiments
WHERE project_id = $1 AND dataset_id = $2 AND experiment_id = ANY($3::text[])
RETURNING experiment_id;

-- name: unlink_purged_experiment
-- Remove a portion of a purged experiment's links.
DELETE FROM evaluation_dataset_experiments
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM evaluation_dataset_experiments
    WHERE project_id = $1 AND experiment_id = $2
    ORDER BY dataset_id
    LIMIT $3
    FOR UPDATE
))
RETURNING dataset_id;

-- name: next_dataset_purge
-- A deleted dataset with records that are left to delete. Processes take different ones.
SELECT project_id, dataset_id FROM evaluation_dataset_purges LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: finish_dataset_purge
DELETE FROM evaluation_dataset_purges WHERE project_id = $1 AND dataset_id = $2;
