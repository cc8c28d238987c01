-- Issues: problems that were found in the traces of an experiment. Assessments of the kind `issue` refer to them.

CREATE TABLE issues (
    project_id bigint NOT NULL,
    issue_id text COLLATE "C" NOT NULL,
    experiment_id bigint NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    status text COLLATE "C" NOT NULL,
    severity text,
    -- The order of searches.
    severity_rank bigint NOT NULL GENERATED ALWAYS AS (
        CASE severity
            WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 WHEN 'not_an_issue' THEN 0
            ELSE -1
        END
    ) STORED,
    root_causes text[] NOT NULL,
    categories text[] NOT NULL,
    source_run_id text COLLATE "C",
    created_by text,
    -- Milliseconds.
    create_time bigint NOT NULL,
    last_update_time bigint NOT NULL,
    -- Bytes, about: a page is cut without reading them.
    size integer NOT NULL,
    CONSTRAINT issues_pkey PRIMARY KEY (project_id, issue_id)
);

CREATE INDEX issues_order_idx
    ON issues (project_id, experiment_id, severity_rank DESC, create_time DESC, issue_id DESC);

CREATE INDEX issues_project_idx
    ON issues (project_id, severity_rank DESC, create_time DESC, issue_id DESC);

CREATE INDEX issues_status_idx ON issues (project_id, experiment_id, status) INCLUDE (issue_id);

CREATE INDEX issues_run_idx
    ON issues (project_id, source_run_id) INCLUDE (issue_id) WHERE source_run_id IS NOT NULL;
