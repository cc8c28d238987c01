-- Logged models. A logged model belongs to an experiment. A run may be its source, and runs log its metrics.

CREATE TABLE logged_models (
    project_id bigint NOT NULL,
    model_id text COLLATE "C" NOT NULL,
    experiment_id bigint NOT NULL,
    name text NOT NULL,
    artifact_uri text NOT NULL,
    creation_timestamp_ms bigint NOT NULL,
    last_updated_timestamp_ms bigint NOT NULL,
    status text NOT NULL,
    model_type text NOT NULL,
    source_run_id text NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    CONSTRAINT logged_models_pkey PRIMARY KEY (project_id, model_id)
);

CREATE INDEX logged_models_newest_idx
    ON logged_models (project_id, experiment_id, creation_timestamp_ms DESC, model_id);

CREATE TABLE logged_model_params (
    project_id bigint NOT NULL,
    model_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT logged_model_params_pkey PRIMARY KEY (project_id, model_id, key)
);

CREATE TABLE logged_model_tags (
    project_id bigint NOT NULL,
    model_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT logged_model_tags_pkey PRIMARY KEY (project_id, model_id, key)
);

-- A second copy of the points that were logged with a model's id. One point of a run may belong to two
-- models, or to one model on two datasets; in the run's history it is still one point. Points without a
-- model have no copy, so they cost no more than before. The dataset is part of the key as a hash, because an
-- index entry has no room for its name.
CREATE TABLE logged_model_metrics (
    project_id bigint NOT NULL,
    model_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    "timestamp" bigint NOT NULL,
    step bigint NOT NULL,
    run_id uuid NOT NULL,
    value double precision NOT NULL,
    dataset_name text,
    dataset_digest text,
    dataset uuid GENERATED ALWAYS AS (
        md5(coalesce(dataset_name, '') || E'\n' || coalesce(dataset_digest, ''))::uuid
    ) STORED,
    CONSTRAINT logged_model_metrics_pkey PRIMARY KEY (
        project_id, model_id, key, "timestamp", step, run_id, value, dataset
    )
);

CREATE INDEX logged_model_metrics_run_idx ON logged_model_metrics (project_id, run_id);
