-- name: list_kinds
-- What a project ($1) has any of: models, and prompts, which are models.
SELECT 'registered models' AS kind
WHERE EXISTS (SELECT FROM registered_models WHERE project_id = $1);
