-- name: set_labels
-- Set or overwrite labels.
INSERT INTO trace_labels AS l (project_id, trace_id, experiment_id, kind, key, value)
SELECT $1, n.trace_id, n.experiment_id, n.kind, n.key, n.value
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    AS n (trace_id, experiment_id, kind, key, value)
ORDER BY n.trace_id, n.kind, n.key
ON CONFLICT (project_id, trace_id, kind, key) DO UPDATE
SET value = excluded.value, experiment_id = excluded.experiment_id
WHERE l.value <> excluded.value OR l.experiment_id <> excluded.experiment_id;

-- name: add_labels
-- Add labels that are missing.
INSERT INTO trace_labels (project_id, trace_id, experiment_id, kind, key, value)
SELECT $1, n.trace_id, n.experiment_id, n.kind, n.key, n.value
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    AS n (trace_id, experiment_id, kind, key, value)
ORDER BY n.trace_id, n.kind, n.key
ON CONFLICT (project_id, trace_id, kind, key) DO NOTHING;

-- name: delete_label
-- Remove a label. No row: there was none.
DELETE FROM trace_labels
WHERE project_id = $1 AND trace_id = $2 AND kind = $3 AND key = $4
RETURNING key;

-- name: values_of_labels
-- The values of some labels of some traces.
SELECT trace_id, kind, key, value FROM trace_labels
WHERE project_id = $1 AND trace_id = ANY($2::text[])
    AND kind = ANY($3::text[]) AND key = ANY($4::text[]);
