-- name: known_models
-- The positions (from 1) of those logged models that exist, deleted or not.
SELECT wanted.position
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS wanted (project_id, model_id, position)
JOIN logged_models USING (project_id, model_id);

-- name: append_model_metrics
-- Append points to the metrics of logged models. The points are sorted. An existing point is skipped.
INSERT INTO logged_model_metrics (
    project_id, run_id, model_id, key, "timestamp", step, value, dataset_name, dataset_digest
)
SELECT * FROM unnest(
    $1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::double precision[], $8::text[], $9::text[]
)
ON CONFLICT DO NOTHING;
