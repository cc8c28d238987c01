-- name: upsert_assessments
INSERT INTO assessments AS a (
    project_id, trace_id, experiment_id, assessment_id, kind, name, value, number, error, rationale,
    metadata, source_type, source_id, span_id, overrides, create_time, last_update_time, session,
    size
)
SELECT $1, $2, $3, n.*
FROM unnest(
    $4::text[], $5::text[], $6::text[], $7::text[], $8::double precision[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::bigint[],
    $18::text[], $19::integer[]
) AS n
ORDER BY 4
ON CONFLICT (project_id, trace_id, assessment_id) DO UPDATE SET
    experiment_id = excluded.experiment_id,
    kind = excluded.kind,
    name = excluded.name,
    value = excluded.value,
    number = excluded.number,
    error = excluded.error,
    rationale = excluded.rationale,
    metadata = excluded.metadata,
    source_type = excluded.source_type,
    source_id = excluded.source_id,
    span_id = excluded.span_id,
    overrides = excluded.overrides,
    create_time = excluded.create_time,
    last_update_time = excluded.last_update_time,
    session = excluded.session,
    size = excluded.size;

-- name: measure_other_assessments
-- The number and the bytes of a trace's assessments, except some.
SELECT count(*) AS number, coalesce(sum(size), 0)::bigint AS size FROM assessments
WHERE project_id = $1 AND trace_id = $2 AND assessment_id <> ALL($3::text[]);

-- name: find_assessment
SELECT * FROM assessments WHERE project_id = $1 AND trace_id = $2 AND assessment_id = $3;

-- name: mark_overridden_assessments
-- Mark those of some assessments that others of the trace override.
UPDATE assessments AS a SET valid = false
WHERE a.project_id = $1 AND a.trace_id = $2 AND a.assessment_id = ANY($3::text[]) AND a.valid
    AND EXISTS (
        SELECT FROM assessments AS o
        WHERE o.project_id = $1 AND o.trace_id = $2 AND o.overrides = a.assessment_id
    );

-- name: delete_assessment
DELETE FROM assessments WHERE project_id = $1 AND trace_id = $2 AND assessment_id = $3
RETURNING overrides;

-- name: restore_assessment
-- Make an assessment valid that is not overridden any more.
UPDATE assessments AS a SET valid = true
WHERE a.project_id = $1 AND a.trace_id = $2 AND a.assessment_id = $3
    AND NOT EXISTS (
        SELECT FROM assessments AS o
        WHERE o.project_id = $1 AND o.trace_id = $2 AND o.overrides = $3
    );

-- name: assessments_of_traces
SELECT * FROM assessments WHERE project_id = $1 AND trace_id = ANY($2::text[])
ORDER BY trace_id, create_time, assessment_id;

-- name: sizes_of_assessments
SELECT trace_id, sum(size) AS size FROM assessments
WHERE project_id = $1 AND trace_id = ANY($2::text[])
GROUP BY trace_id;
