-- name: list_entity_types
-- The types of which a project ($1) has at least one entity. Prompts are models, too.
SELECT 'registered models' AS entity_type
WHERE EXISTS (SELECT FROM registered_models WHERE project_id = $1);
