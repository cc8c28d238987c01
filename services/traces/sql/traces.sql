-- name: lock_traces
SELECT project_id, trace_id
FROM lock_traces($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[]);

-- name: start_trace
-- Store what a client knows of a trace. A trace that its spans have made gets the client's times and state. No row: no
-- such trace.
WITH before AS MATERIALIZED (
    SELECT experiment_id FROM traces WHERE project_id = $1 AND trace_id = $2
)
UPDATE traces AS t SET
    experiment_id = $3,
    request_time = $4,
    execution_duration = $5,
    state = $6,
    client_request_id = $7,
    request_preview = coalesce($8, t.request_preview),
    response_preview = coalesce($9, t.response_preview),
    finalized = $10,
    input_tokens = CASE WHEN $11::bigint[] IS NULL THEN t.input_tokens ELSE ($11::bigint[])[1] END,
    output_tokens = CASE WHEN $11::bigint[] IS NULL THEN t.output_tokens ELSE ($11::bigint[])[2] END,
    total_tokens = CASE WHEN $11::bigint[] IS NULL THEN t.total_tokens ELSE ($11::bigint[])[3] END,
    cache_read_input_tokens = CASE
        WHEN $11::bigint[] IS NULL THEN t.cache_read_input_tokens ELSE ($11::bigint[])[4]
    END,
    cache_creation_input_tokens = CASE
        WHEN $11::bigint[] IS NULL THEN t.cache_creation_input_tokens ELSE ($11::bigint[])[5]
    END
WHERE t.project_id = $1 AND t.trace_id = $2
RETURNING t.week, t.experiment_id <> (SELECT experiment_id FROM before) AS moved;

-- name: move_labels
-- The labels of a trace follow it into another experiment.
UPDATE trace_labels SET experiment_id = $3
WHERE project_id = $1 AND trace_id = $2 AND experiment_id <> $3;

-- name: move_spans
-- And so do its spans.
UPDATE spans SET experiment_id = $3
WHERE project_id = $1 AND trace_id = $2 AND week = $4 AND experiment_id <> $3;

-- name: move_assessments
-- And so do its assessments.
UPDATE assessments SET experiment_id = $3
WHERE project_id = $1 AND trace_id = $2 AND experiment_id <> $3;

-- name: end_trace
-- End a trace of MLflow 2 at a time.
UPDATE traces
SET execution_duration = $3 - request_time, state = $4
WHERE project_id = $1 AND trace_id = $2
RETURNING experiment_id;

-- name: set_tokens
-- Store the tokens of traces.
UPDATE traces AS t SET
    input_tokens = n.input_tokens,
    output_tokens = n.output_tokens,
    total_tokens = n.total_tokens,
    cache_read_input_tokens = n.cache_read_input_tokens,
    cache_creation_input_tokens = n.cache_creation_input_tokens
FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS n (
    trace_id, input_tokens, output_tokens, total_tokens, cache_read_input_tokens, cache_creation_input_tokens
)
WHERE t.project_id = $1 AND t.trace_id = n.trace_id;

-- name: meet_traces
-- Add to traces what some of their spans say. The state is that of the span without a parent.
UPDATE traces AS t SET
    request_time = CASE
        WHEN t.finalized THEN t.request_time ELSE least(t.request_time, n.start_time)
    END,
    execution_duration = CASE
        WHEN t.finalized THEN t.execution_duration
        ELSE greatest(t.request_time + t.execution_duration, n.end_time)
            - least(t.request_time, n.start_time)
    END,
    state = CASE
        WHEN t.state IN ('IN_PROGRESS', 'STATE_UNSPECIFIED') THEN coalesce(n.state, t.state) ELSE t.state
    END,
    request_preview = coalesce(t.request_preview, n.request_preview),
    response_preview = coalesce(t.response_preview, n.response_preview)
FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
    AS n (trace_id, start_time, end_time, state, request_preview, response_preview)
WHERE t.project_id = $1 AND t.trace_id = n.trace_id
RETURNING t.trace_id, t.experiment_id, t.week, t.finalized;

-- name: locked_traces
-- The experiments of those traces that the frame has locked. One that was made since then is locked here if no other
-- has it; otherwise it counts as missing, because waiting for it out of order could become a deadlock.
SELECT trace_id, experiment_id FROM traces
WHERE project_id = $1 AND trace_id = ANY($2::text[])
FOR UPDATE SKIP LOCKED;

-- name: experiments_of_traces
-- The experiments of those traces that exist.
SELECT trace_id, experiment_id FROM traces WHERE project_id = $1 AND trace_id = ANY($2::text[]);

-- name: read_traces
-- Traces with their labels, in the order of the ids.
SELECT
    t.trace_id, t.experiment_id, t.request_time, t.execution_duration, t.state,
    t.client_request_id, t.request_preview, t.response_preview,
    (
        SELECT json_object_agg(l.key, l.value ORDER BY l.key) FROM trace_labels AS l
        WHERE l.project_id = t.project_id AND l.trace_id = t.trace_id AND l.kind = 'tag'
    ) AS tags,
    (
        SELECT json_object_agg(l.key, l.value ORDER BY l.key) FROM trace_labels AS l
        WHERE l.project_id = t.project_id AND l.trace_id = t.trace_id AND l.kind = 'metadata'
    ) AS metadata
FROM unnest($2::text[]) WITH ORDINALITY AS wanted (trace_id, place)
JOIN traces AS t ON t.project_id = $1 AND t.trace_id = wanted.trace_id
ORDER BY wanted.place;
