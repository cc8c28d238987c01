-- Scorers and their versions. Every key starts with project_id.

-- A scorer counts its versions: the next number, and what a list of them would take. Its row is locked by every change
-- of its versions. It also has the configuration by which it rates new traces.
CREATE TABLE scorers (
    project_id bigint NOT NULL,
    experiment_id bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    scorer_id text COLLATE "C" NOT NULL,
    newest_version integer NOT NULL,
    newest_size integer NOT NULL,
    -- The number of versions, and their characters.
    versions integer NOT NULL,
    size bigint NOT NULL,
    online_config_id text,
    sample_rate double precision,
    filter_string text,
    CONSTRAINT scorers_pkey PRIMARY KEY (project_id, experiment_id, name)
);

CREATE UNIQUE INDEX scorers_id_idx ON scorers (project_id, scorer_id);

CREATE TABLE scorer_versions (
    project_id bigint NOT NULL,
    scorer_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    serialized_scorer text NOT NULL,
    -- Unix milliseconds.
    creation_time bigint NOT NULL,
    CONSTRAINT scorer_versions_pkey PRIMARY KEY (project_id, scorer_id, version)
);
