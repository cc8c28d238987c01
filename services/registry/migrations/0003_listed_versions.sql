-- In MLflow's dialect a version has its aliases only in the reply for one version, not in lists: neither in
-- a search nor inside a model. GitLab's dialect has them everywhere: the first alias is the semantic version,
-- which no other field contains.
CREATE OR REPLACE VIEW model_version_forms AS
SELECT
    versions.project_id,
    versions.registered_model_id,
    versions.version,
    CASE WHEN model.is_prompt THEN versions.version ELSE versions.id END::text AS gitlab_version,
    objects.object AS mlflow,
    CASE WHEN model.is_prompt THEN objects.object ELSE gitlabs.object END AS gitlab,
    listed.object AS mlflow_listed,
    CASE WHEN model.is_prompt THEN listed.object ELSE gitlabs.object END AS gitlab_listed
FROM model_versions AS versions
JOIN model_version_objects AS objects USING (project_id, registered_model_id, version)
CROSS JOIN LATERAL (SELECT (objects.object::jsonb - 'aliases')::json AS object) AS listed
CROSS JOIN LATERAL (
    SELECT jsonb_insert(
        objects.object::jsonb || jsonb_build_object('version', versions.id::text),
        '{aliases, 0}',
        to_jsonb(versions.semver)
    )::json AS object
) AS gitlabs
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM registered_model_tags AS tags
        WHERE tags.project_id = versions.project_id
            AND tags.registered_model_id = versions.registered_model_id
            AND tags.key = 'mlflow.prompt.is_prompt'
            AND lower(tags.value) = 'true'
    ) AS is_prompt
) AS model;
