-- Traces, their labels and their spans. Every key starts with project_id.
--
-- A trace has a row of its own, which searches walk through, and a label for each tag, each item of metadata and each
-- link. Spans are most of the data. They are partitioned by the week in which their trace arrived: retention drops
-- whole weeks. The week is stored with the trace, so all its spans are in one partition, and a span that comes twice
-- meets its first copy there (ADR 72). There are no foreign keys: traces are deleted with their rows, in portions.

-- Tracking's answer about an experiment. Tracking is asked again after a minute.
CREATE TABLE experiments (
    project_id bigint NOT NULL,
    experiment_id bigint NOT NULL,
    artifact_location text NOT NULL,
    checked_at timestamptz NOT NULL,
    CONSTRAINT experiments_pkey PRIMARY KEY (project_id, experiment_id)
);

CREATE TABLE traces (
    project_id bigint NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    experiment_id bigint NOT NULL,
    -- Milliseconds.
    request_time bigint NOT NULL,
    execution_duration bigint,
    state text COLLATE "C" NOT NULL,
    client_request_id text COLLATE "C",
    request_preview text,
    response_preview text,
    -- The client has sent the trace itself. Before that, times and state are those of the spans.
    finalized boolean NOT NULL DEFAULT false,
    -- The Monday of the week in which the trace arrived.
    week date NOT NULL,
    CONSTRAINT traces_pkey PRIMARY KEY (project_id, trace_id)
);

CREATE INDEX traces_time_idx ON traces (project_id, experiment_id, request_time DESC, trace_id);

CREATE INDEX traces_state_idx ON traces (project_id, experiment_id, state, request_time DESC);

CREATE INDEX traces_client_request_idx
    ON traces (project_id, experiment_id, client_request_id)
    WHERE client_request_id IS NOT NULL;

CREATE INDEX traces_week_idx ON traces (week);

-- `kind` is `tag`, `metadata`, `run` or `prompt`. The key of a link is a run's id, or a prompt's name and version.
CREATE TABLE trace_labels (
    project_id bigint NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    experiment_id bigint NOT NULL,
    CONSTRAINT trace_labels_pkey PRIMARY KEY (project_id, trace_id, kind, key)
);

-- An index entry has no room for a long value. Those have an index of their own.
CREATE INDEX trace_labels_value_idx
    ON trace_labels (project_id, experiment_id, kind, key, value) INCLUDE (trace_id)
    WHERE char_length(value) < 250;

CREATE INDEX trace_labels_long_value_idx
    ON trace_labels (project_id, experiment_id, kind, key) INCLUDE (trace_id)
    WHERE char_length(value) >= 250;

CREATE TABLE spans (
    project_id bigint NOT NULL,
    week date NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    span_id text COLLATE "C" NOT NULL,
    parent_span_id text COLLATE "C",
    -- Nanoseconds.
    start_time bigint NOT NULL,
    end_time bigint,
    name text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    model_name text NOT NULL,
    model_provider text NOT NULL,
    token_usage text,
    cost text,
    -- Characters of the content: a page of spans is cut without reading it.
    size integer NOT NULL,
    content text NOT NULL,
    CONSTRAINT spans_pkey PRIMARY KEY (project_id, week, trace_id, span_id)
) PARTITION BY RANGE (week);

-- The order in which spans are read: those without a parent first, then by time.
CREATE INDEX spans_order_idx
    ON spans (project_id, week, trace_id, (parent_span_id IS NOT NULL), start_time, span_id);

-- Takes the spans of a week that has no partition, so that none is ever refused.
CREATE TABLE spans_default PARTITION OF spans DEFAULT;

-- Makes the partitions of this week and of some weeks after it, if they are missing. A partition is made beside its
-- parent and attached, because that does not stop readers and writers.
CREATE FUNCTION make_span_partitions(weeks integer) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    monday date;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('make_span_partitions'));
    FOR number IN 0..weeks LOOP
        monday := date_trunc('week', now() AT TIME ZONE 'UTC')::date + 7 * number;
        name := 'spans_' || to_char(monday, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        CONTINUE WHEN EXISTS (SELECT FROM spans_default WHERE week = monday);
        EXECUTE format('CREATE TABLE %I (LIKE spans)', name);
        EXECUTE format(
            'ALTER TABLE spans ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            name, monday, monday + 7
        );
    END LOOP;
END
$$;

SELECT make_span_partitions(4);

-- Purged experiments whose traces are still being deleted.
CREATE TABLE purges (
    project_id bigint NOT NULL,
    experiment_id bigint NOT NULL,
    CONSTRAINT purges_pkey PRIMARY KEY (project_id, experiment_id)
);
