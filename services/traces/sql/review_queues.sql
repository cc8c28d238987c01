-- name: insert_review_queue
-- No row: the name is taken.
WITH queue AS (
    INSERT INTO review_queues (
        project_id, queue_id, experiment_id, name, name_key, queue_type, created_by, schema_ids,
        creation_time, last_update_time
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
    ON CONFLICT (project_id, experiment_id, name_key) DO NOTHING
    RETURNING project_id, queue_id, experiment_id, creation_time
),
users AS (
    INSERT INTO review_queue_users (project_id, queue_id, username, experiment_id, creation_time)
    SELECT q.project_id, q.queue_id, u.username, q.experiment_id, q.creation_time
    FROM queue AS q, unnest($10::text[]) AS u (username)
)
SELECT queue_id FROM queue;

-- name: find_review_queue
SELECT q.*, ARRAY(
    SELECT u.username FROM review_queue_users AS u
    WHERE u.project_id = q.project_id AND u.queue_id = q.queue_id
    ORDER BY u.username
) AS users
FROM review_queues AS q
WHERE q.project_id = $1 AND q.queue_id = $2;

-- name: find_review_queue_by_name
SELECT q.*, ARRAY(
    SELECT u.username FROM review_queue_users AS u
    WHERE u.project_id = q.project_id AND u.queue_id = q.queue_id
    ORDER BY u.username
) AS users
FROM review_queues AS q
WHERE q.project_id = $1 AND q.experiment_id = $2 AND q.name_key = $3;

-- name: lock_review_queue
-- Nothing else changes the queue, adds an item or deletes it until the end of the transaction.
SELECT * FROM review_queues WHERE project_id = $1 AND queue_id = $2 FOR UPDATE;

-- name: read_review_queues
-- Queues with their users, newest first.
SELECT q.*, ARRAY(
    SELECT u.username FROM review_queue_users AS u
    WHERE u.project_id = q.project_id AND u.queue_id = q.queue_id
    ORDER BY u.username
) AS users
FROM review_queues AS q
WHERE q.project_id = $1 AND q.queue_id = ANY($2::text[])
ORDER BY q.creation_time DESC, q.queue_id;

-- name: list_review_queues
-- Queues of an experiment after a time and an id.
SELECT queue_id, creation_time FROM review_queues
WHERE project_id = $1 AND experiment_id = $2
    AND creation_time <= $3 AND (creation_time < $3 OR queue_id > $4)
ORDER BY creation_time DESC, queue_id
LIMIT $5;

-- name: list_review_queues_of_user
SELECT queue_id, creation_time FROM review_queue_users
WHERE project_id = $1 AND experiment_id = $2 AND username = $6
    AND creation_time <= $3 AND (creation_time < $3 OR queue_id > $4)
ORDER BY creation_time DESC, queue_id
LIMIT $5;

-- name: list_review_queues_with_item
-- An item is in few queues, so these are read first. With a user, only queues of the user.
WITH containing AS MATERIALIZED (
    SELECT queue_id FROM review_queue_items WHERE project_id = $1 AND item_id = $6
)
SELECT q.queue_id, q.creation_time
FROM containing
JOIN review_queues AS q ON q.project_id = $1 AND q.queue_id = containing.queue_id
WHERE q.experiment_id = $2
    AND q.creation_time <= $3 AND (q.creation_time < $3 OR q.queue_id > $4)
    AND (
        $7::text IS NULL OR EXISTS (
            SELECT FROM review_queue_users AS u
            WHERE u.project_id = $1 AND u.queue_id = q.queue_id AND u.username = $7
        )
    )
ORDER BY q.creation_time DESC, q.queue_id
LIMIT $5;

-- name: update_review_queue
-- Values that are null stay.
UPDATE review_queues SET
    name = coalesce($3, name),
    name_key = coalesce($4, name_key),
    created_by = coalesce($5, created_by),
    schema_ids = coalesce($6::text[], schema_ids),
    last_update_time = $7
WHERE project_id = $1 AND queue_id = $2;

-- name: replace_review_queue_users
-- Replace the users of a locked queue.
WITH gone AS (
    DELETE FROM review_queue_users
    WHERE project_id = $1 AND queue_id = $2 AND username <> ALL($3::text[])
)
INSERT INTO review_queue_users (project_id, queue_id, username, experiment_id, creation_time)
SELECT $1, $2, u.username, q.experiment_id, q.creation_time
FROM review_queues AS q, unnest($3::text[]) AS u (username)
WHERE q.project_id = $1 AND q.queue_id = $2
ON CONFLICT DO NOTHING;

-- name: delete_review_queue
-- Delete a locked queue and its users, and note that its items are to be deleted.
WITH queue AS (
    DELETE FROM review_queues WHERE project_id = $1 AND queue_id = $2
    RETURNING project_id, queue_id
),
users AS (
    DELETE FROM review_queue_users WHERE project_id = $1 AND queue_id = $2
)
INSERT INTO deleted_review_queues (project_id, queue_id) SELECT project_id, queue_id FROM queue;

-- name: lock_purged_review_queues
-- Lock the queues that the next statement deletes: it then sees all of their users.
SELECT queue_id FROM review_queues WHERE project_id = $1 AND experiment_id = $2
ORDER BY queue_id
LIMIT $3
FOR UPDATE;

-- name: purge_review_queues
-- Delete locked queues of a purged experiment and their users, and note that their items are to be deleted.
WITH queues AS (
    DELETE FROM review_queues WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM review_queues WHERE project_id = $1 AND experiment_id = $2
        ORDER BY queue_id
        LIMIT $3
    ))
    RETURNING project_id, queue_id
),
users AS (
    DELETE FROM review_queue_users AS u USING queues AS q
    WHERE u.project_id = q.project_id AND u.queue_id = q.queue_id
)
INSERT INTO deleted_review_queues (project_id, queue_id) SELECT project_id, queue_id FROM queues;
