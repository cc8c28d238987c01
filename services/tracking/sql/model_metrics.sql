-- name: known_models
-- Which of these logged models there are, deleted or not, by position (from 1).
SELECT wanted.position
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS wanted (project_id, model_id, position)
JOIN logged_models USING (project_id, model_id);

-- name: append_model_metrics
-- Append points to the metrics of logged models; they come sorted. The same point again is one.
INSERT INTO logged_model_metrics (
    project_id, run_id, model_id, key, "timestamp", step, value, dataset_name, dataset_digest
)
SELECT * FROM unnest(
    $1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::double precision[], $8::text[], $9::text[]
)
ON CONFLICT DO NOTHING;
