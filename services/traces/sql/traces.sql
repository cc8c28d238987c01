-- name: lock_trace
SELECT experiment_id FROM traces WHERE project_id = $1 AND trace_id = $2 FOR UPDATE;

-- name: start_trace
-- Store what a client knows of a trace. A trace that its spans have made gets the client's times and state.
INSERT INTO traces AS t (
    project_id, trace_id, experiment_id, request_time, execution_duration, state,
    client_request_id, request_preview, response_preview, finalized, week
)
VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
    date_trunc('week', now() AT TIME ZONE 'UTC')::date
)
ON CONFLICT (project_id, trace_id) DO UPDATE SET
    experiment_id = excluded.experiment_id,
    request_time = excluded.request_time,
    execution_duration = excluded.execution_duration,
    state = excluded.state,
    client_request_id = excluded.client_request_id,
    request_preview = coalesce(excluded.request_preview, t.request_preview),
    response_preview = coalesce(excluded.response_preview, t.response_preview),
    finalized = excluded.finalized
RETURNING week, xmax <> 0 AS existed;

-- name: move_labels
-- The labels of a trace follow it into another experiment.
UPDATE trace_labels SET experiment_id = $3
WHERE project_id = $1 AND trace_id = $2 AND experiment_id <> $3;

-- name: move_spans
-- And so do its spans.
UPDATE spans SET experiment_id = $3
WHERE project_id = $1 AND trace_id = $2 AND week = $4 AND experiment_id <> $3;

-- name: end_trace
-- End a trace of MLflow 2 at a time.
UPDATE traces
SET execution_duration = $3 - request_time, state = $4
WHERE project_id = $1 AND trace_id = $2
RETURNING experiment_id;

-- name: meet_traces
-- Make the traces of some spans, or add to them what the spans say. The state is that of the span without a parent.
INSERT INTO traces AS t (
    project_id, trace_id, experiment_id, request_time, execution_duration, state,
    request_preview, response_preview, week
)
SELECT
    $1, n.trace_id, $2, n.start_time, n.end_time - n.start_time, coalesce(n.state, 'IN_PROGRESS'),
    n.request_preview, n.response_preview, date_trunc('week', now() AT TIME ZONE 'UTC')::date
FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[])
    AS n (trace_id, start_time, end_time, state, request_preview, response_preview)
ORDER BY n.trace_id
ON CONFLICT (project_id, trace_id) DO UPDATE SET
    request_time = CASE
        WHEN t.finalized THEN t.request_time ELSE least(t.request_time, excluded.request_time)
    END,
    execution_duration = CASE
        WHEN t.finalized THEN t.execution_duration
        ELSE greatest(
            t.request_time + t.execution_duration,
            excluded.request_time + excluded.execution_duration
        ) - least(t.request_time, excluded.request_time)
    END,
    state = CASE
        WHEN t.state IN ('IN_PROGRESS', 'STATE_UNSPECIFIED') AND excluded.state <> 'IN_PROGRESS'
        THEN excluded.state ELSE t.state
    END,
    request_preview = coalesce(t.request_preview, excluded.request_preview),
    response_preview = coalesce(t.response_preview, excluded.response_preview)
RETURNING trace_id, experiment_id, week, finalized;

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

-- name: choose_traces
-- Those of some traces that are in an experiment.
SELECT trace_id, week FROM traces
WHERE project_id = $1 AND experiment_id = $2 AND trace_id = ANY($3::text[])
ORDER BY trace_id
FOR UPDATE;

-- name: choose_oldest_traces
-- The oldest traces of an experiment up to a time.
SELECT trace_id, week FROM traces
WHERE project_id = $1 AND experiment_id = $2 AND request_time <= $3
ORDER BY request_time, trace_id
LIMIT $4
FOR UPDATE;

-- name: choose_some_traces
-- Any traces of an experiment.
SELECT trace_id, week FROM traces
WHERE project_id = $1 AND experiment_id = $2
ORDER BY trace_id
LIMIT $3
FOR UPDATE;

-- name: delete_traces
DELETE FROM traces WHERE project_id = $1 AND trace_id = ANY($2::text[]);

-- name: delete_labels_of_traces
DELETE FROM trace_labels WHERE project_id = $1 AND trace_id = ANY($2::text[]);

-- name: delete_spans_of_traces
DELETE FROM spans
WHERE project_id = $1 AND week = ANY($3::date[]) AND trace_id = ANY($2::text[]);
