-- name: insert_label_schema
-- No row: the name is taken.
INSERT INTO label_schemas (
    project_id, schema_id, experiment_id, name, type, instruction, enable_comment, input,
    creation_time, last_update_time
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
ON CONFLICT (project_id, experiment_id, name) DO NOTHING
RETURNING *;

-- name: find_label_schema
SELECT * FROM label_schemas WHERE project_id = $1 AND schema_id = $2;

-- name: lock_label_schema
SELECT * FROM label_schemas WHERE project_id = $1 AND schema_id = $2 FOR UPDATE;

-- name: find_label_schema_by_name
SELECT * FROM label_schemas WHERE project_id = $1 AND experiment_id = $2 AND name = $3;

-- name: list_label_schemas
-- Label schemas of an experiment after a time and an id.
SELECT * FROM label_schemas
WHERE project_id = $1 AND experiment_id = $2
    AND creation_time <= $3 AND (creation_time < $3 OR schema_id > $4)
ORDER BY creation_time DESC, schema_id
LIMIT $5;

-- name: known_label_schemas
-- Those of some ids that are label schemas of an experiment.
SELECT schema_id FROM label_schemas
WHERE project_id = $1 AND experiment_id = $2 AND schema_id = ANY($3::text[]);

-- name: update_label_schema
-- Values that are null stay.
UPDATE label_schemas SET
    name = coalesce($3, name),
    instruction = coalesce($4, instruction),
    enable_comment = coalesce($5, enable_comment),
    input = coalesce($6, input),
    last_update_time = $7
WHERE project_id = $1 AND schema_id = $2
RETURNING *;

-- name: delete_label_schema
DELETE FROM label_schemas WHERE project_id = $1 AND schema_id = $2;

-- name: purge_label_schemas
DELETE FROM label_schemas WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM label_schemas WHERE project_id = $1 AND experiment_id = $2 LIMIT $3
));
