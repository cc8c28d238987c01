-- name: insert_datasets
-- Insert the datasets that an experiment does not have yet. They are sorted by name and digest.
INSERT INTO datasets (
    project_id, experiment_id, dataset_id, name, digest, source_type, source, schema, profile
)
SELECT $1, $2, dataset.*
FROM unnest(
    $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]
) AS dataset
ON CONFLICT (project_id, experiment_id, name, digest) DO NOTHING;

-- name: link_datasets
-- Record that a run read datasets, by name and digest, and tag the new inputs. The rows are written in the
-- order of the key, so that two transactions never wait for each other. The places $7 are the client's order.
-- The tags of an input are one JSON text. So their number does not matter to the joins.
WITH dataset AS (
    SELECT datasets.dataset_id, wanted.tags, wanted.place
    FROM unnest($4::text[], $5::text[], $6::text[], $7::int[]) AS wanted (name, digest, tags, place)
    JOIN datasets
        ON datasets.project_id = $1
        AND datasets.experiment_id = $2
        AND datasets.name = wanted.name
        AND datasets.digest = wanted.digest
),
linked AS (
    INSERT INTO run_inputs (project_id, run_id, dataset_id, place)
    SELECT $1, $3, dataset.dataset_id, last.place + dataset.place
    FROM dataset
    CROSS JOIN (
        SELECT coalesce(max(place), 0) AS place FROM run_inputs
        WHERE project_id = $1 AND run_id = $3
    ) AS last
    ORDER BY dataset.dataset_id
    ON CONFLICT DO NOTHING
    RETURNING dataset_id
)
INSERT INTO run_input_tags (project_id, run_id, dataset_id, key, value)
SELECT $1, $3, linked.dataset_id, tag.key, tag.value
FROM linked
JOIN dataset USING (dataset_id)
CROSS JOIN LATERAL jsonb_to_recordset(dataset.tags::jsonb) AS tag (key text, value text)
ON CONFLICT DO NOTHING;

-- name: link_model_inputs
-- Record that a run read logged models.
INSERT INTO run_model_inputs (project_id, run_id, model_id, place)
SELECT $1, $2, model.model_id, min(last.place + model.place)
FROM unnest($3::text[]) WITH ORDINALITY AS model (model_id, place)
CROSS JOIN (
    SELECT coalesce(max(place), 0) AS place FROM run_model_inputs
    WHERE project_id = $1 AND run_id = $2
) AS last
GROUP BY model.model_id
ORDER BY model.model_id
ON CONFLICT DO NOTHING;

-- name: link_model_outputs
-- Record that a run produced logged models, each at a step.
INSERT INTO run_model_outputs (project_id, run_id, model_id, step, place)
SELECT $1, $2, model.model_id, max(model.step), min(last.place + model.place)
FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS model (model_id, step, place)
CROSS JOIN (
    SELECT coalesce(max(place), 0) AS place FROM run_model_outputs
    WHERE project_id = $1 AND run_id = $2
) AS last
GROUP BY model.model_id
ORDER BY model.model_id
ON CONFLICT (project_id, run_id, model_id) DO UPDATE SET step = excluded.step;

-- name: search_datasets
-- The datasets that runs of some experiments read, one row for each context, at most $3 rows.
SELECT DISTINCT
    datasets.experiment_id, datasets.name, datasets.digest, run_input_tags.value AS context
FROM datasets
JOIN run_inputs USING (project_id, dataset_id)
LEFT JOIN run_input_tags
    ON run_input_tags.project_id = run_inputs.project_id
    AND run_input_tags.run_id = run_inputs.run_id
    AND run_input_tags.dataset_id = run_inputs.dataset_id
    AND run_input_tags.key = 'mlflow.data.context'
WHERE datasets.project_id = $1 AND datasets.experiment_id = ANY($2::bigint[])
ORDER BY datasets.experiment_id, datasets.name, datasets.digest, context
LIMIT $3;
