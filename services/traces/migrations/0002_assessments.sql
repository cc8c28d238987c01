-- Assessments of traces: feedback, expectations, and references to issues. They belong to a trace as its labels do.

CREATE TABLE assessments (
    project_id bigint NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    assessment_id text COLLATE "C" NOT NULL,
    experiment_id bigint NOT NULL,
    -- `feedback`, `expectation` or `issue`. The name of an issue's reference is the issue's id.
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- JSON.
    value text COLLATE "C" NOT NULL,
    -- The value as searches compare it with numbers.
    number double precision,
    error text,
    rationale text,
    metadata text,
    source_type text NOT NULL,
    source_id text,
    span_id text,
    -- The assessment that this one replaces. That one is not valid.
    overrides text COLLATE "C",
    valid boolean NOT NULL DEFAULT true,
    -- Milliseconds.
    create_time bigint NOT NULL,
    last_update_time bigint NOT NULL,
    -- An assessment of a whole session counts for all of the session's traces in searches.
    session text COLLATE "C",
    -- `session` or `trace`: what it assesses.
    scope text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        CASE WHEN session IS NULL THEN 'trace' ELSE 'session' END
    ) STORED,
    -- Bytes, about: a page of traces is cut without reading them.
    size integer NOT NULL,
    CONSTRAINT assessments_pkey PRIMARY KEY (project_id, trace_id, assessment_id)
);

-- An index entry has no room for a long value. Those have an index of their own, as long values of labels have.
CREATE INDEX assessments_value_idx
    ON assessments (project_id, experiment_id, kind, name, scope, value) INCLUDE (trace_id, session)
    WHERE valid AND char_length(value) < 250;

CREATE INDEX assessments_long_value_idx
    ON assessments (project_id, experiment_id, kind, name, scope) INCLUDE (trace_id, session)
    WHERE valid AND char_length(value) >= 250;

CREATE INDEX assessments_number_idx
    ON assessments (project_id, experiment_id, kind, name, scope, number) INCLUDE (trace_id, session)
    WHERE valid AND number IS NOT NULL;

CREATE INDEX assessments_session_idx
    ON assessments (project_id, experiment_id, session, kind, name)
    WHERE valid AND session IS NOT NULL;

-- The traces that an issue was found in. References count even if they are overridden.
CREATE INDEX assessments_issue_idx
    ON assessments (project_id, name, experiment_id, trace_id)
    WHERE kind = 'issue';
