-- name: choose_traces
-- Those of some traces that are in an experiment.
SELECT trace_id, week FROM traces
WHERE project_id = $1 AND experiment_id = $2 AND trace_id = ANY($3::text[])
ORDER BY trace_id
FOR UPDATE;

-- name: choose_oldest_traces
-- The oldest traces of an experiment up to a time. They are found by their time, and locked in the order of their ids.
WITH oldest AS MATERIALIZED (
    SELECT trace_id FROM traces
    WHERE project_id = $1 AND experiment_id = $2 AND request_time <= $3
    ORDER BY request_time, trace_id DESC
    LIMIT $4
)
SELECT trace_id, week FROM traces
WHERE project_id = $1 AND trace_id = ANY(ARRAY(SELECT trace_id FROM oldest))
    AND experiment_id = $2 AND request_time <= $3
ORDER BY trace_id
FOR UPDATE;

-- name: choose_some_traces
-- The oldest traces of an experiment, up to a number of them and of their spans; at least one.
WITH oldest AS MATERIALIZED (
    SELECT trace_id, week, row_number() OVER (ORDER BY request_time, trace_id DESC) AS place
    FROM traces
    WHERE project_id = $1 AND experiment_id = $2
    ORDER BY request_time, trace_id DESC
    LIMIT $3
),
counted AS MATERIALIZED (
    SELECT o.trace_id, sum(s.number) OVER (ORDER BY o.place) - s.number AS before
    FROM oldest AS o
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM spans
        WHERE project_id = $1 AND week = o.week AND trace_id = o.trace_id
    ) AS s
)
SELECT trace_id, week FROM traces
WHERE project_id = $1 AND experiment_id = $2
    AND trace_id = ANY(ARRAY(SELECT trace_id FROM counted WHERE before < $4))
ORDER BY trace_id
FOR UPDATE;

-- name: choose_expired_traces
-- The traces of an experiment that arrived first, if that is long enough ago: up to a number of them, and of their
-- spans, of which those of some weeks do not count; at least one.
WITH oldest AS MATERIALIZED (
    SELECT trace_id, week, row_number() OVER (ORDER BY arrived_at) AS place
    FROM traces
    WHERE project_id = $1 AND experiment_id = $2
        AND arrived_at <= now() - $3::double precision * interval '1 millisecond'
    ORDER BY arrived_at
    LIMIT $4
),
counted AS MATERIALIZED (
    SELECT o.trace_id, sum(s.number) OVER (ORDER BY o.place) - s.number AS before
    FROM oldest AS o
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM spans
        WHERE project_id = $1 AND week = o.week AND trace_id = o.trace_id
            AND o.week <> ALL($6::date[])
    ) AS s
)
SELECT trace_id, week FROM traces
WHERE project_id = $1 AND experiment_id = $2
    AND arrived_at <= now() - $3::double precision * interval '1 millisecond'
    AND trace_id = ANY(ARRAY(SELECT trace_id FROM counted WHERE before < $5))
ORDER BY trace_id
FOR UPDATE;

-- name: delete_traces
DELETE FROM traces WHERE project_id = $1 AND trace_id = ANY($2::text[]);

-- name: delete_labels_of_traces
DELETE FROM trace_labels WHERE project_id = $1 AND trace_id = ANY($2::text[]);

-- name: delete_assessments_of_traces
DELETE FROM assessments WHERE project_id = $1 AND trace_id = ANY($2::text[]);

-- name: delete_spans_of_traces
DELETE FROM spans
WHERE project_id = $1 AND week = ANY($3::date[]) AND trace_id = ANY($2::text[]);

-- name: artifact_locations
-- Where the files of some traces are.
SELECT trace_id, value FROM trace_labels
WHERE project_id = $1 AND trace_id = ANY($2::text[]) AND kind = 'tag' AND key = 'mlflow.artifactLocation';
