-- GitLab's dialect: each model has its own experiment, and each version a run.
ALTER TABLE experiments ADD COLUMN registered_model_id uuid;

CREATE UNIQUE INDEX experiments_model_idx ON experiments (project_id, registered_model_id)
    WHERE registered_model_id IS NOT NULL;

-- The runs of model versions. "made": the run was created for the version, and is deleted with it.
-- "confirmed": the version is created. Before that the registry may still fail to create it.
CREATE TABLE version_runs (
    project_id bigint NOT NULL,
    claim uuid NOT NULL,
    registered_model_id uuid NOT NULL,
    run_id uuid NOT NULL,
    made boolean NOT NULL,
    claimed_time bigint NOT NULL,
    confirmed boolean NOT NULL DEFAULT false,
    CONSTRAINT version_runs_pkey PRIMARY KEY (project_id, claim)
);

CREATE INDEX version_runs_run_idx ON version_runs (project_id, run_id);

CREATE INDEX version_runs_model_idx ON version_runs (project_id, registered_model_id);
