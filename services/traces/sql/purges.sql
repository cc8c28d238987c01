-- name: note_purge
INSERT INTO purges (project_id, experiment_id) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: next_purge
-- A purged experiment with traces that are left to delete. Processes take different ones.
SELECT project_id, experiment_id FROM purges LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: finish_purge
-- A client may have deleted some of the portion's traces meanwhile: a small portion does not show that none are left.
DELETE FROM purges AS p
WHERE p.project_id = $1 AND p.experiment_id = $2
    AND NOT EXISTS (
        SELECT FROM traces AS t
        WHERE t.project_id = p.project_id AND t.experiment_id = p.experiment_id
    )
    AND NOT EXISTS (
        SELECT FROM issues AS i
        WHERE i.project_id = p.project_id AND i.experiment_id = p.experiment_id
    );

-- name: make_partitions
SELECT make_span_partitions($1);
