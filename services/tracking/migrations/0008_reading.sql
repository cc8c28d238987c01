-- The read side of runs (ADR 63). Params and tags get what a search starts from and sorts by. Quiet runs are
-- "folded": their newest metrics, and the JSON of what was logged to them, are stored ready to be read. A write to
-- a folded run unfolds it. Against the rule in CONTRIBUTING.md, earlier code can't write to this schema: it knows
-- neither the new columns of params and tags nor that it would have to unfold. Nothing had been released yet.

ALTER TABLE runs
ADD COLUMN folded boolean NOT NULL DEFAULT false,
-- The latest attempt to fold the run: positive while it is under way and after it has succeeded, negative since a
-- write has stopped it or undone its result, 0 before the first one.
ADD COLUMN fold_attempt bigint NOT NULL DEFAULT 0,
-- An index entry has no room for longer texts.
ADD COLUMN name_head text COLLATE "C" GENERATED ALWAYS AS (left(name, 250)) STORED,
ADD COLUMN user_head text COLLATE "C" GENERATED ALWAYS AS (left(user_id, 250)) STORED;

-- Attempts change rows in place ("heap only"), so the pages keep some room.
ALTER TABLE runs SET (fillfactor = 90);

DROP INDEX runs_newest_idx;

CREATE INDEX runs_newest_idx ON runs (project_id, experiment_id, start_time DESC, run_id)
INCLUDE (deleted, status, end_time, name_head, user_head);

-- For searches of many experiments. They ask for the order by this expression. By the column itself PostgreSQL could
-- take the index for a search of one experiment, and read the runs of all others on the way.
CREATE INDEX runs_newest_of_project_idx ON runs (project_id, (start_time + 0) DESC, run_id)
INCLUDE (experiment_id);

CREATE INDEX runs_unfolded_idx ON runs (project_id, experiment_id, start_time DESC, run_id) WHERE NOT folded;

ALTER TABLE params
ADD COLUMN experiment_id bigint,
ADD COLUMN start_time bigint,
ADD COLUMN head text COLLATE "C" GENERATED ALWAYS AS (left(value, 250)) STORED;

UPDATE params SET experiment_id = runs.experiment_id, start_time = runs.start_time
FROM runs
WHERE runs.project_id = params.project_id AND runs.run_id = params.run_id;

CREATE INDEX params_value_idx ON params (project_id, experiment_id, key, head, start_time DESC, run_id);

ALTER TABLE tags
ADD COLUMN experiment_id bigint,
ADD COLUMN start_time bigint,
ADD COLUMN head text COLLATE "C" GENERATED ALWAYS AS (left(value, 250)) STORED;

UPDATE tags SET experiment_id = runs.experiment_id, start_time = runs.start_time
FROM runs
WHERE runs.project_id = tags.project_id AND runs.run_id = tags.run_id;

CREATE INDEX tags_value_idx ON tags (project_id, experiment_id, key, head, start_time DESC, run_id);

-- The newest point of each metric of a folded run. A row of a run that is not folded any more is stale.
CREATE TABLE newest_metrics (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    value double precision NOT NULL,
    experiment_id bigint NOT NULL,
    start_time bigint NOT NULL,
    CONSTRAINT newest_metrics_pkey PRIMARY KEY (project_id, run_id, key)
);

CREATE INDEX newest_metrics_value_idx
ON newest_metrics (project_id, experiment_id, key, value, start_time DESC, run_id);

-- The members "data", "inputs" and "outputs" of a folded run's JSON, without the braces around them. The runs' own
-- values are not in it: they may change without unfolding the run. Documents are compressed from 128 bytes on.
CREATE TABLE run_documents (
    project_id bigint NOT NULL,
    run_id uuid NOT NULL,
    document bytea NOT NULL,
    CONSTRAINT run_documents_pkey PRIMARY KEY (project_id, run_id)
) WITH (toast_tuple_target = 128);

ALTER TABLE run_documents ALTER COLUMN document SET STORAGE MAIN;

-- The members "data", "inputs" and "outputs" of the JSON of a run, folded or not, from what was logged to it.
CREATE VIEW run_data AS
SELECT
    runs.project_id,
    runs.run_id,
    '"data":' || json_build_object(
        'metrics', coalesce(run_metrics.items, '[]'),
        'params', coalesce(run_params.items, '[]'),
        'tags', coalesce(run_tags.items, '[]')
    )
    || ',"inputs":' || json_build_object(
        'dataset_inputs', coalesce(dataset_inputs.items, '[]'),
        'model_inputs', coalesce(model_inputs.items, '[]')
    )
    || ',"outputs":' || json_build_object(
        'model_outputs', coalesce(model_outputs.items, '[]')
    ) AS members
FROM runs
CROSS JOIN LATERAL (
    SELECT json_agg(
        CASE
            WHEN coalesce(model_id, dataset_name, dataset_digest) IS NULL
                THEN json_build_object(
                    'key', key, 'value', value, 'timestamp', "timestamp", 'step', step
                )
            ELSE json_strip_nulls(json_build_object(
                'key', key, 'value', value, 'timestamp', "timestamp", 'step', step,
                'model_id', model_id, 'dataset_name', dataset_name,
                'dataset_digest', dataset_digest
            ))
        END ORDER BY key
    ) AS items
    FROM latest_metrics
    WHERE project_id = runs.project_id AND run_id = runs.run_id
) AS run_metrics
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
    FROM params
    WHERE project_id = runs.project_id AND run_id = runs.run_id
) AS run_params
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
    FROM tags
    WHERE project_id = runs.project_id AND run_id = runs.run_id
) AS run_tags
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
        'dataset', json_strip_nulls(json_build_object(
            'name', datasets.name,
            'digest', datasets.digest,
            'source_type', datasets.source_type,
            'source', datasets.source,
            'schema', datasets.schema,
            'profile', datasets.profile
        )),
        'tags', coalesce(input_tags.items, '[]')
    ) ORDER BY run_inputs.place, datasets.name, datasets.digest) AS items
    FROM run_inputs
    CROSS JOIN LATERAL (
        SELECT * FROM datasets
        WHERE project_id = run_inputs.project_id AND dataset_id = run_inputs.dataset_id
        OFFSET 0
    ) AS datasets
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object('key', key, 'value', value) ORDER BY key) AS items
        FROM run_input_tags
        WHERE project_id = run_inputs.project_id AND run_id = run_inputs.run_id
            AND dataset_id = run_inputs.dataset_id
    ) AS input_tags
    WHERE run_inputs.project_id = runs.project_id AND run_inputs.run_id = runs.run_id
) AS dataset_inputs
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('model_id', model_id) ORDER BY place, model_id) AS items
    FROM run_model_inputs
    WHERE project_id = runs.project_id AND run_id = runs.run_id
) AS model_inputs
CROSS JOIN LATERAL (
    SELECT json_agg(
        json_build_object('model_id', model_id, 'step', step) ORDER BY place, step, model_id
    ) AS items
    FROM run_model_outputs
    WHERE project_id = runs.project_id AND run_id = runs.run_id
) AS model_outputs;
