-- name: measure_records
-- Those of some records that exist, with the characters of their JSON.
SELECT input_hash, size FROM evaluation_dataset_records
WHERE project_id = $1 AND dataset_id = $2 AND input_hash = ANY($3::bytea[]);

-- name: read_merged_records
-- What a merge reads of records that exist.
SELECT input_hash, outputs, expectations, tags, source, last_updated_by
FROM evaluation_dataset_records
WHERE project_id = $1 AND dataset_id = $2 AND input_hash = ANY($3::bytea[]);

-- name: upsert_records
-- Store new records, and what was merged into others.
INSERT INTO evaluation_dataset_records (
    project_id, dataset_id, created_time, last_update_time, dataset_record_id, input_hash, size,
    created_by, last_updated_by, source_id, source_type, inputs, outputs, expectations, tags, source
)
SELECT $1, $2, $3, $3, n.*
FROM unnest(
    $4::uuid[], $5::bytea[], $6::integer[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::text[], $14::text[], $15::text[]
) AS n
ON CONFLICT (project_id, dataset_id, input_hash) DO UPDATE SET
    last_update_time = excluded.last_update_time,
    last_updated_by = excluded.last_updated_by,
    size = excluded.size,
    outputs = excluded.outputs,
    expectations = excluded.expectations,
    tags = excluded.tags;

-- name: list_records
-- Records of a dataset after a position, up to a number of records and of characters; at least one. There is another
-- page if more records follow than are returned.
WITH following AS (
    SELECT
        created_time, dataset_record_id, input_hash,
        sum(size) OVER (ORDER BY created_time, dataset_record_id) - size AS before
    FROM (
        SELECT created_time, dataset_record_id, input_hash, size FROM evaluation_dataset_records
        WHERE project_id = $1 AND dataset_id = $2 AND (created_time, dataset_record_id) > ($3, $4)
        ORDER BY created_time, dataset_record_id
        LIMIT $5 + 1
    ) AS next
)
SELECT
    r.dataset_record_id, r.inputs, r.outputs, r.expectations, r.tags, r.source, r.source_id,
    r.source_type, r.created_time, r.last_update_time, r.created_by, r.last_updated_by,
    (SELECT count(*) FROM following) AS following
FROM (SELECT * FROM following WHERE before < $6 OR before = 0 LIMIT $5) AS f
JOIN evaluation_dataset_records AS r
    ON r.project_id = $1 AND r.dataset_id = $2 AND r.input_hash = f.input_hash
WHERE EXISTS (SELECT FROM evaluation_datasets WHERE project_id = $1 AND dataset_id = $2)
ORDER BY r.created_time, r.dataset_record_id;

-- name: delete_records
WITH deleted AS (
    DELETE FROM evaluation_dataset_records
    WHERE project_id = $1 AND dataset_id = $2 AND dataset_record_id = ANY($3::uuid[])
    RETURNING 1
)
SELECT nullif(count(*), 0) FROM deleted;

-- name: delete_some_records
-- Delete any records of a dataset.
WITH deleted AS (
    DELETE FROM evaluation_dataset_records
    WHERE project_id = $1 AND dataset_id = $2 AND input_hash = ANY(ARRAY(
        SELECT input_hash FROM evaluation_dataset_records
        WHERE project_id = $1 AND dataset_id = $2
        LIMIT $3
    ))
    RETURNING 1
)
SELECT count(*) FROM deleted;
