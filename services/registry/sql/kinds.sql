-- name: list_kinds
-- The kinds of which a project ($1) has at least one thing. Prompts are models, too.
SELECT 'registered models' AS kind
WHERE EXISTS (SELECT FROM registered_models WHERE project_id = $1);
