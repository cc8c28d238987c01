-- Evaluation datasets of MLflow 3: inputs with expected outputs, on which applications are evaluated. Every key starts
-- with project_id. There are no foreign keys: the records of a deleted dataset follow it in portions.

CREATE TABLE evaluation_datasets (
    project_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    name text NOT NULL,
    -- Milliseconds. The last update is always later than the one before, so that the digest differs.
    created_time bigint NOT NULL,
    last_update_time bigint NOT NULL,
    digest text NOT NULL,
    -- MLflow's JSON: the fields of the records with their types; NULL until there are records.
    schema text,
    -- NULL until there are records.
    record_count bigint,
    created_by text,
    last_updated_by text,
    CONSTRAINT evaluation_datasets_pkey PRIMARY KEY (project_id, dataset_id)
);

CREATE INDEX evaluation_datasets_created_idx
    ON evaluation_datasets (project_id, created_time DESC, dataset_id DESC);

CREATE INDEX evaluation_datasets_updated_idx
    ON evaluation_datasets (project_id, last_update_time DESC, dataset_id DESC);

CREATE INDEX evaluation_datasets_name_idx
    ON evaluation_datasets (project_id, name COLLATE "C", dataset_id DESC);

CREATE INDEX evaluation_datasets_creator_idx
    ON evaluation_datasets (project_id, created_by COLLATE "C") INCLUDE (dataset_id);

CREATE TABLE evaluation_dataset_tags (
    project_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT evaluation_dataset_tags_pkey PRIMARY KEY (project_id, dataset_id, key)
);

-- An index entry has no room for a long value. Those have an index of their own.
CREATE INDEX evaluation_dataset_tags_value_idx
    ON evaluation_dataset_tags (project_id, key, value COLLATE "C") INCLUDE (dataset_id)
    WHERE char_length(value) < 250;

CREATE INDEX evaluation_dataset_tags_long_value_idx
    ON evaluation_dataset_tags (project_id, key) INCLUDE (dataset_id)
    WHERE char_length(value) >= 250;

-- The experiments of a dataset. Like MLflow, a new dataset takes any text as an experiment's id.
CREATE TABLE evaluation_dataset_experiments (
    project_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    experiment_id text COLLATE "C" NOT NULL,
    -- Milliseconds.
    created_time bigint NOT NULL,
    CONSTRAINT evaluation_dataset_experiments_pkey
        PRIMARY KEY (project_id, dataset_id, experiment_id)
);

CREATE INDEX evaluation_dataset_experiments_experiment_idx
    ON evaluation_dataset_experiments (project_id, experiment_id, dataset_id);

-- `inputs`, `outputs`, `expectations`, `tags` and `source` are JSON as MLflow writes it, which may have NaN in it. Two
-- records of a dataset never have the same inputs: the SHA-256 of their JSON identifies them.
CREATE TABLE evaluation_dataset_records (
    project_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    dataset_record_id uuid NOT NULL,
    input_hash bytea NOT NULL,
    -- Milliseconds.
    created_time bigint NOT NULL,
    last_update_time bigint NOT NULL,
    -- Characters of the JSON: a page of records is cut without reading it.
    size integer NOT NULL,
    created_by text,
    last_updated_by text,
    source_id text,
    source_type text,
    inputs text NOT NULL,
    outputs text,
    expectations text,
    tags text NOT NULL,
    source text,
    CONSTRAINT evaluation_dataset_records_pkey PRIMARY KEY (project_id, dataset_id, input_hash)
);

-- The order in which records are read.
CREATE INDEX evaluation_dataset_records_order_idx
    ON evaluation_dataset_records (project_id, dataset_id, created_time, dataset_record_id);

CREATE INDEX evaluation_dataset_records_id_idx
    ON evaluation_dataset_records (project_id, dataset_id, dataset_record_id);

-- Deleted datasets whose records are still being deleted.
CREATE TABLE evaluation_dataset_purges (
    project_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    CONSTRAINT evaluation_dataset_purges_pkey PRIMARY KEY (project_id, dataset_id)
);
