-- name: list_kinds
-- What a project ($1) has any of; the default experiment, which each has from its start, is nothing.
SELECT kind
FROM (
    VALUES
        (1, 'experiments', EXISTS (
            SELECT FROM experiments WHERE project_id = $1 AND experiment_id <> 0
        )),
        (2, 'runs', EXISTS (SELECT FROM runs WHERE project_id = $1)),
        (3, 'logged models', EXISTS (SELECT FROM logged_models WHERE project_id = $1))
) AS found (position, kind, any_of_it)
WHERE any_of_it
ORDER BY position;
