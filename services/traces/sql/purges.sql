-- name: note_purge
INSERT INTO purges (project_id, experiment_id) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: next_purge
-- A purged experiment with traces that are left to delete. Processes take different ones.
SELECT project_id, experiment_id FROM purges LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: finish_purge
DELETE FROM purges WHERE project_id = $1 AND experiment_id = $2;

-- name: make_partitions
SELECT make_span_partitions($1);
