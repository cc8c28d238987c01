-- name: list_entity_types
-- The types of which a project ($1) has at least one entity. The default experiment, which every project has
-- from the start, does not count.
SELECT entity_type
FROM (
    VALUES
        (1, 'experiments', EXISTS (
            SELECT FROM experiments WHERE project_id = $1 AND experiment_id <> 0
        )),
        (2, 'runs', EXISTS (SELECT FROM runs WHERE project_id = $1)),
        (3, 'logged models', EXISTS (SELECT FROM logged_models WHERE project_id = $1))
) AS found (position, entity_type, is_present)
WHERE is_present
ORDER BY position;
