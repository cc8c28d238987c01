-- Figures over traces, and orders by duration and by end.

-- The tokens that the metadata `mlflow.trace.tokenUsage` names; NULL where it names none.
ALTER TABLE traces ADD COLUMN input_tokens bigint;
ALTER TABLE traces ADD COLUMN output_tokens bigint;
ALTER TABLE traces ADD COLUMN total_tokens bigint;
ALTER TABLE traces ADD COLUMN cache_read_input_tokens bigint;
ALTER TABLE traces ADD COLUMN cache_creation_input_tokens bigint;

CREATE FUNCTION token_count(usage text, key text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN usage::json ->> key;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;

UPDATE traces AS t SET
    input_tokens = token_count(l.value, 'input_tokens'),
    output_tokens = token_count(l.value, 'output_tokens'),
    total_tokens = token_count(l.value, 'total_tokens'),
    cache_read_input_tokens = token_count(l.value, 'cache_read_input_tokens'),
    cache_creation_input_tokens = token_count(l.value, 'cache_creation_input_tokens')
FROM trace_labels AS l
WHERE l.project_id = t.project_id AND l.trace_id = t.trace_id
    AND l.kind = 'metadata' AND l.key = 'mlflow.trace.tokenUsage';

DROP FUNCTION token_count;

-- Figures over traces are read from this index alone: a row has previews of some thousand characters.
DROP INDEX traces_time_idx;

CREATE INDEX traces_time_idx
    ON traces (project_id, experiment_id, request_time DESC, trace_id)
    INCLUDE (
        state, execution_duration,
        input_tokens, output_tokens, total_tokens, cache_read_input_tokens, cache_creation_input_tokens
    );

-- Sets of traces are read from the index alone, too: otherwise PostgreSQL would prefer to read all of the index above.
DROP INDEX traces_state_idx;

CREATE INDEX traces_state_idx
    ON traces (project_id, experiment_id, state, request_time DESC, trace_id);

-- Traces without a duration come last in both directions, so that each direction has an index.
CREATE INDEX traces_fastest_idx ON traces (
    project_id, experiment_id, ((execution_duration IS NULL)::integer), coalesce(execution_duration, 0),
    request_time DESC, trace_id
) INCLUDE (execution_duration);

CREATE INDEX traces_slowest_idx ON traces (
    project_id, experiment_id, ((execution_duration IS NULL)::integer), coalesce(execution_duration, 0) DESC,
    request_time DESC, trace_id
) INCLUDE (execution_duration);

CREATE INDEX traces_end_idx ON traces (
    project_id, experiment_id, (request_time + coalesce(execution_duration, 0)), trace_id
) INCLUDE (request_time, execution_duration);
