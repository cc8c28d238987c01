-- Experiments, runs and what is logged to them. Every key starts with project_id.
--
-- There are no foreign keys: each one would cost the hot path a lookup and a row lock for every logged
-- point. Experiments and runs are only marked as deleted. Keys are COLLATE "C": so writers lock rows in the
-- order in which Python sorts them, whatever the database's locale.

CREATE TABLE projects (
    project_id bigint NOT NULL,
    next_experiment_id bigint NOT NULL DEFAULT 1,
    CONSTRAINT projects_pkey PRIMARY KEY (project_id)
);

CREATE TABLE experiments (
    project_id bigint NOT NULL,
    experiment_id bigint NOT NULL,
    name text NOT NULL,
    artifact_location text NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    creation_time bigint NOT NULL,
    last_update_time bigint NOT NULL,
    CONSTRAINT experiments_pkey PRIMARY KEY (project_id, experiment_id),
    CONSTRAINT experiments_name_key UNIQUE (project_id, name)
);

CREATE TABLE experiment_tags (
    project_id bigint NOT NULL,
    experiment_id bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT experiment_tags_pkey PRIMARY KEY (project_id, experiment_id, key)
);

CREATE TABLE runs (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    experiment_id bigint NOT NULL,
    name text NOT NULL,
    user_id text NOT NULL,
    status text NOT NULL,
    start_time bigint NOT NULL,
    end_time bigint,
    deleted boolean NOT NULL DEFAULT false,
    deleted_time bigint,
    artifact_uri text NOT NULL,
    CONSTRAINT runs_pkey PRIMARY KEY (project_id, run_id)
);

CREATE INDEX runs_newest_idx ON runs (project_id, experiment_id, start_time DESC, run_id);

CREATE TABLE params (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT params_pkey PRIMARY KEY (project_id, run_id, key)
);

CREATE TABLE tags (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT tags_pkey PRIMARY KEY (project_id, run_id, key)
);

-- The primary key has three purposes: identical points are one point, a redelivered command adds nothing,
-- and the history is read in the order of the index.
CREATE TABLE metrics (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    "timestamp" bigint NOT NULL,
    step bigint NOT NULL,
    value double precision NOT NULL,
    model_id text,
    dataset_name text,
    dataset_digest text,
    CONSTRAINT metrics_pkey PRIMARY KEY (project_id, run_id, key, "timestamp", step, value)
);

-- These rows are updated again and again. Free space on each page (fillfactor) allows "heap only" updates
-- (HOT), which do not write to the index. Vacuum starts early.
CREATE TABLE latest_metrics (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    value double precision NOT NULL,
    "timestamp" bigint NOT NULL,
    step bigint NOT NULL,
    model_id text,
    dataset_name text,
    dataset_digest text,
    CONSTRAINT latest_metrics_pkey PRIMARY KEY (project_id, run_id, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE datasets (
    project_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    experiment_id bigint NOT NULL,
    name text NOT NULL,
    digest text NOT NULL,
    source_type text NOT NULL,
    source text NOT NULL,
    schema text,
    profile text,
    CONSTRAINT datasets_pkey PRIMARY KEY (project_id, dataset_id),
    CONSTRAINT datasets_name_key UNIQUE (project_id, experiment_id, name, digest)
);

CREATE TABLE run_inputs (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    CONSTRAINT run_inputs_pkey PRIMARY KEY (project_id, run_id, dataset_id)
);

CREATE INDEX run_inputs_dataset_idx ON run_inputs (project_id, dataset_id);

CREATE TABLE run_input_tags (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT run_input_tags_pkey PRIMARY KEY (project_id, run_id, dataset_id, key)
);

CREATE TABLE run_model_inputs (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    model_id text NOT NULL,
    step bigint NOT NULL DEFAULT 0,
    CONSTRAINT run_model_inputs_pkey PRIMARY KEY (project_id, run_id, model_id)
);

CREATE TABLE run_model_outputs (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    model_id text NOT NULL,
    step bigint NOT NULL DEFAULT 0,
    CONSTRAINT run_model_outputs_pkey PRIMARY KEY (project_id, run_id, model_id)
);
