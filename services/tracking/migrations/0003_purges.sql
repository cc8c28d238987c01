-- Entities that are being purged: clients no longer see them, but not all of their rows are deleted yet. An
-- interrupted purge continues with them.
CREATE TABLE purges (
    project_id bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    CONSTRAINT purges_pkey PRIMARY KEY (project_id, kind, id)
);

CREATE INDEX runs_deleted_idx ON runs (project_id, deleted_time, run_id) WHERE deleted;

CREATE INDEX logged_models_deleted_idx
    ON logged_models (project_id, last_updated_timestamp_ms, model_id) WHERE deleted;
