-- Registered models and their versions. Every key starts with project_id.
--
-- Clients know a model by its name, which may change. The other tables refer to its id, so a new name
-- changes no other row. Names are COLLATE "C": MLflow on SQLite sorts them in this order, and the unique
-- index gives it. Foreign keys delete a model's versions, tags and aliases along with it. Tracking has
-- none; here rows are deleted one by one, and no table is on a hot path.

CREATE TABLE registered_models (
    project_id bigint NOT NULL,
    registered_model_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    creation_time bigint NOT NULL,
    last_updated_time bigint NOT NULL,
    next_version integer NOT NULL DEFAULT 1,
    CONSTRAINT registered_models_pkey PRIMARY KEY (project_id, registered_model_id),
    CONSTRAINT registered_models_name_key UNIQUE (project_id, name)
);

CREATE INDEX registered_models_updated_idx
    ON registered_models (project_id, last_updated_time, name);

CREATE TABLE registered_model_tags (
    project_id bigint NOT NULL,
    registered_model_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT registered_model_tags_pkey PRIMARY KEY (project_id, registered_model_id, key),
    CONSTRAINT registered_model_tags_model_fkey
        FOREIGN KEY (project_id, registered_model_id)
        REFERENCES registered_models ON DELETE CASCADE
);

CREATE TABLE model_versions (
    project_id bigint NOT NULL,
    registered_model_id uuid NOT NULL,
    version integer NOT NULL,
    creation_time bigint NOT NULL,
    last_updated_time bigint NOT NULL,
    user_id text,
    stage text NOT NULL DEFAULT 'None',
    description text,
    source text NOT NULL,
    storage_location text NOT NULL,
    run_id text NOT NULL,
    run_link text NOT NULL,
    model_id text,
    CONSTRAINT model_versions_pkey PRIMARY KEY (project_id, registered_model_id, version),
    CONSTRAINT model_versions_model_fkey
        FOREIGN KEY (project_id, registered_model_id)
        REFERENCES registered_models ON DELETE CASCADE
);

-- For the default order of a search for versions. Names and numbers decide the rare ties.
CREATE INDEX model_versions_updated_idx ON model_versions (project_id, last_updated_time DESC);

-- For the newest version in each stage.
CREATE INDEX model_versions_stage_idx
    ON model_versions (project_id, registered_model_id, stage, version);

CREATE INDEX model_versions_run_idx ON model_versions (project_id, run_id);

CREATE TABLE model_version_tags (
    project_id bigint NOT NULL,
    registered_model_id uuid NOT NULL,
    version integer NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT model_version_tags_pkey
        PRIMARY KEY (project_id, registered_model_id, version, key),
    CONSTRAINT model_version_tags_version_fkey
        FOREIGN KEY (project_id, registered_model_id, version)
        REFERENCES model_versions ON DELETE CASCADE
);

-- MLflow stores prompts as models with a tag. Searches use these indexes to leave them out.
CREATE INDEX registered_model_prompts_idx
    ON registered_model_tags (project_id, registered_model_id)
    WHERE key = 'mlflow.prompt.is_prompt' AND value = 'true';

CREATE INDEX model_version_prompts_idx
    ON model_version_tags (project_id, registered_model_id)
    WHERE key = 'mlflow.prompt.is_prompt' AND value = 'true';

CREATE TABLE model_aliases (
    project_id bigint NOT NULL,
    registered_model_id uuid NOT NULL,
    alias text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    CONSTRAINT model_aliases_pkey PRIMARY KEY (project_id, registered_model_id, alias),
    CONSTRAINT model_aliases_version_fkey
        FOREIGN KEY (project_id, registered_model_id, version)
        REFERENCES model_versions ON DELETE CASCADE
);

CREATE INDEX model_aliases_version_idx
    ON model_aliases (project_id, registered_model_id, version);

-- The JSON of a version (shared.contracts.model_versions.ModelVersion), alone and inside its model.
CREATE VIEW model_version_objects AS
SELECT
    versions.project_id,
    versions.registered_model_id,
    versions.version,
    json_strip_nulls(json_build_object(
        'name', models.name,
        'version', versions.version::text,
        'creation_timestamp', versions.creation_time,
        'last_updated_timestamp', versions.last_updated_time,
        'user_id', versions.user_id,
        'current_stage', versions.stage,
        'description', versions.description,
        'source', versions.source,
        'run_id', versions.run_id,
        'run_link', versions.run_link,
        'status', 'READY',
        'tags', coalesce((
            SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key)
            FROM model_version_tags AS tags
            WHERE tags.project_id = versions.project_id
                AND tags.registered_model_id = versions.registered_model_id
                AND tags.version = versions.version
        ), '[]'),
        'aliases', coalesce((
            SELECT json_agg(alias ORDER BY alias)
            FROM model_aliases AS aliases
            WHERE aliases.project_id = versions.project_id
                AND aliases.registered_model_id = versions.registered_model_id
                AND aliases.version = versions.version
        ), '[]'),
        'model_id', versions.model_id
    )) AS object
FROM model_versions AS versions
JOIN registered_models AS models USING (project_id, registered_model_id);
