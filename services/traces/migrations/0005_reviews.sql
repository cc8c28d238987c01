-- Label schemas, and review queues with their users and items. Every key starts with project_id. Times are Unix
-- milliseconds.

-- The default question of an experiment has no row: it is the same in all experiments.
CREATE TABLE label_schemas (
    project_id bigint NOT NULL,
    schema_id text COLLATE "C" NOT NULL,
    experiment_id bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    type text NOT NULL,
    instruction text,
    enable_comment boolean NOT NULL,
    -- The JSON of MLflow's LabelSchemaInput.
    input text NOT NULL,
    creation_time bigint NOT NULL,
    last_update_time bigint NOT NULL,
    CONSTRAINT label_schemas_pkey PRIMARY KEY (project_id, schema_id),
    CONSTRAINT label_schemas_name_key UNIQUE (project_id, experiment_id, name)
);

CREATE INDEX label_schemas_time_idx
    ON label_schemas (project_id, experiment_id, creation_time DESC, schema_id);

CREATE TABLE review_queues (
    project_id bigint NOT NULL,
    queue_id text COLLATE "C" NOT NULL,
    experiment_id bigint NOT NULL,
    name text NOT NULL,
    -- The name in lower case, by which it is unique.
    name_key text COLLATE "C" NOT NULL,
    queue_type text NOT NULL,
    created_by text,
    schema_ids text[] NOT NULL,
    creation_time bigint NOT NULL,
    last_update_time bigint NOT NULL,
    CONSTRAINT review_queues_pkey PRIMARY KEY (project_id, queue_id),
    CONSTRAINT review_queues_name_key UNIQUE (project_id, experiment_id, name_key)
);

CREATE INDEX review_queues_time_idx
    ON review_queues (project_id, experiment_id, creation_time DESC, queue_id);

-- The queue's experiment and time are repeated here, so that an index has the queues of a user in their order.
CREATE TABLE review_queue_users (
    project_id bigint NOT NULL,
    queue_id text COLLATE "C" NOT NULL,
    username text COLLATE "C" NOT NULL,
    experiment_id bigint NOT NULL,
    creation_time bigint NOT NULL,
    CONSTRAINT review_queue_users_pkey PRIMARY KEY (project_id, queue_id, username)
);

CREATE INDEX review_queue_users_time_idx
    ON review_queue_users (project_id, experiment_id, username, creation_time DESC, queue_id);

-- The items of a queue that is deleted are deleted later, in portions.
CREATE TABLE review_queue_items (
    project_id bigint NOT NULL,
    queue_id text COLLATE "C" NOT NULL,
    item_id text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    completed_by text,
    completed_time bigint,
    creation_time bigint NOT NULL,
    last_update_time bigint NOT NULL,
    CONSTRAINT review_queue_items_pkey PRIMARY KEY (project_id, queue_id, item_id)
);

CREATE INDEX review_queue_items_time_idx
    ON review_queue_items (project_id, queue_id, creation_time DESC, item_id);

CREATE INDEX review_queue_items_status_idx
    ON review_queue_items (project_id, queue_id, status, creation_time DESC, item_id);

CREATE INDEX review_queue_items_item_idx ON review_queue_items (project_id, item_id);

-- Deleted queues whose items are still being deleted.
CREATE TABLE deleted_review_queues (
    project_id bigint NOT NULL,
    queue_id text COLLATE "C" NOT NULL,
    CONSTRAINT deleted_review_queues_pkey PRIMARY KEY (project_id, queue_id)
);
