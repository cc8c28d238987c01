-- name: add_review_items
-- Items that are there keep their status.
INSERT INTO review_queue_items (
    project_id, queue_id, item_id, status, creation_time, last_update_time
)
SELECT $1, $2, n.item_id, 'PENDING', $4, $4 FROM unnest($3::text[]) AS n (item_id)
ORDER BY n.item_id
ON CONFLICT (project_id, queue_id, item_id) DO NOTHING;

-- name: read_review_items
-- Items of a queue in the order of their ids in the list.
SELECT i.* FROM unnest($3::text[]) WITH ORDINALITY AS wanted (item_id, place)
JOIN review_queue_items AS i
    ON i.project_id = $1 AND i.queue_id = $2 AND i.item_id = wanted.item_id
ORDER BY wanted.place;

-- name: remove_review_items
WITH locked AS MATERIALIZED (
    SELECT item_id FROM review_queue_items
    WHERE project_id = $1 AND queue_id = $2 AND item_id = ANY($3::text[])
    ORDER BY item_id
    FOR UPDATE
)
DELETE FROM review_queue_items AS i USING locked
WHERE i.project_id = $1 AND i.queue_id = $2 AND i.item_id = locked.item_id;

-- name: has_review_items
SELECT EXISTS (SELECT FROM review_queue_items WHERE project_id = $1 AND queue_id = $2);

-- name: list_review_items
-- Items of a queue after a time and an id.
SELECT * FROM review_queue_items
WHERE project_id = $1 AND queue_id = $2
    AND creation_time <= $3 AND (creation_time < $3 OR item_id > $4)
ORDER BY creation_time DESC, item_id
LIMIT $5;

-- name: list_review_items_of_status
SELECT * FROM review_queue_items
WHERE project_id = $1 AND queue_id = $2 AND status = $6
    AND creation_time <= $3 AND (creation_time < $3 OR item_id > $4)
ORDER BY creation_time DESC, item_id
LIMIT $5;

-- name: set_review_item_status
-- No row: there is no such item, or it has the status already. Who completed it first stays.
UPDATE review_queue_items SET
    status = $4,
    completed_by = $5,
    completed_time = CASE WHEN $5::text IS NOT NULL THEN $6::bigint END,
    last_update_time = $6
WHERE project_id = $1 AND queue_id = $2 AND item_id = $3 AND status <> $4
RETURNING *;

-- name: delete_items_of_traces
-- Take traces that are deleted out of all queues. Items are locked in the order in which other statements lock them.
WITH locked AS MATERIALIZED (
    SELECT queue_id, item_id FROM review_queue_items
    WHERE project_id = $1 AND item_id = ANY($2::text[])
    ORDER BY item_id, queue_id
    FOR UPDATE
)
DELETE FROM review_queue_items AS i USING locked
WHERE i.project_id = $1 AND i.queue_id = locked.queue_id AND i.item_id = locked.item_id;

-- name: next_deleted_queue
-- A deleted queue with items that are left to delete. Processes take different ones.
SELECT project_id, queue_id FROM deleted_review_queues LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: delete_some_items
-- The array is made once, and found in the index: a join might read all items of the queue for each portion.
DELETE FROM review_queue_items
WHERE project_id = $1 AND queue_id = $2 AND item_id = ANY(ARRAY(
    SELECT item_id FROM review_queue_items
    WHERE project_id = $1 AND queue_id = $2
    ORDER BY item_id
    LIMIT $3
    FOR UPDATE
));

-- name: finish_deleted_queue
DELETE FROM deleted_review_queues WHERE project_id = $1 AND queue_id = $2;
