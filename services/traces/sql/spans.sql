-- name: upsert_spans
-- Store spans. A copy replaces what was there, unless it is unfinished and the stored one is not.
INSERT INTO spans AS s (
    project_id, week, trace_id, span_id, parent_span_id, start_time, end_time,
    name, type, status, model_name, model_provider, token_usage, cost, size, content,
    experiment_id, input_cost, output_cost, total_cost
)
SELECT $1, n.*
FROM unnest(
    $2::date[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::integer[], $16::text[],
    $17::bigint[], $18::double precision[], $19::double precision[], $20::double precision[]
) AS n
ORDER BY 3, 4
ON CONFLICT (project_id, week, trace_id, span_id) DO UPDATE SET
    parent_span_id = excluded.parent_span_id,
    start_time = excluded.start_time,
    end_time = excluded.end_time,
    name = excluded.name,
    type = excluded.type,
    status = excluded.status,
    model_name = excluded.model_name,
    model_provider = excluded.model_provider,
    token_usage = excluded.token_usage,
    cost = excluded.cost,
    size = excluded.size,
    content = excluded.content,
    experiment_id = excluded.experiment_id,
    input_cost = excluded.input_cost,
    output_cost = excluded.output_cost,
    total_cost = excluded.total_cost
WHERE s.end_time IS NULL OR excluded.end_time IS NOT NULL;

-- name: measured_spans
-- The trees of some traces, with what their spans measured. OFFSET keeps the planner from joining in another order: the
-- spans of each trace are read from the partition of its week.
SELECT s.trace_id, s.span_id, s.parent_span_id, s.token_usage, s.cost
FROM unnest($2::date[], $3::text[]) AS n (week, trace_id)
CROSS JOIN LATERAL (
    SELECT trace_id, span_id, parent_span_id, token_usage, cost FROM spans
    WHERE project_id = $1 AND week = n.week AND trace_id = n.trace_id
    OFFSET 0
) AS s;

-- name: count_spans
SELECT count(*) FROM spans WHERE project_id = $1 AND week = $2 AND trace_id = $3;

-- name: find_week
-- The week of a trace, whose partition has its spans.
SELECT week FROM traces WHERE project_id = $1 AND trace_id = $2;

-- name: list_spans
-- Spans of a trace after a position, up to a number of spans and of characters; at least one. There is another page if
-- more spans follow than are returned. The contents of spans that do not fit are not read: they lie beside the table
-- (TOAST). The table is read once: in a week that is not analyzed yet the planner takes a trace for one span, and a join
-- by the span's id would read the whole trace for each of them.
WITH following AS MATERIALIZED (
    SELECT
        is_child, start_time, span_id, content,
        sum(size) OVER (ORDER BY is_child, start_time, span_id) - size AS before
    FROM (
        SELECT parent_span_id IS NOT NULL AS is_child, start_time, span_id, size, content FROM spans
        WHERE project_id = $1 AND week = $2 AND trace_id = $3
            AND ((parent_span_id IS NOT NULL), start_time, span_id) > ($4, $5, $6)
        ORDER BY (parent_span_id IS NOT NULL), start_time, span_id
        LIMIT $7 + 1
    ) AS next
)
SELECT is_child, start_time, span_id, content, (SELECT count(*) FROM following) AS following
FROM following
WHERE before < $8 OR before = 0
ORDER BY is_child, start_time, span_id
LIMIT $7;
