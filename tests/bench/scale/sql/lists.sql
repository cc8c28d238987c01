-- What the requests for lists find in Warren. FastTrackML has no registry.

-- name: models
-- $1 registered models with $2 versions each, and two tags for each of both.
WITH models AS (
    INSERT INTO registry.registered_models (
        project_id, registered_model_id, name, description, creation_time, last_updated_time,
        next_version
    )
    SELECT
        1, md5('model' || number)::uuid, 'model-' || number, '', 1760000000000 + number,
        1760000000000 + number, $2::integer + 1
    FROM generate_series(1, $1::integer) AS number
    RETURNING registered_model_id, name, last_updated_time AS time
),
tagged AS (
    INSERT INTO registry.registered_model_tags (project_id, registered_model_id, key, value)
    SELECT 1, registered_model_id, 't' || tag, floor(pg_temp.fraction(time * 2 + tag, 4) * 10)::text
    FROM models
    CROSS JOIN generate_series(0, 1) AS tag
),
versions AS (
    INSERT INTO registry.model_versions (
        project_id, registered_model_id, name, version, creation_time, last_updated_time, source,
        storage_location, run_id, run_link, semver, semver_key
    )
    SELECT
        1, registered_model_id, name, version, time + version * 1000, time + version * 1000,
        's3://models/' || registered_model_id || '/' || version,
        's3://models/' || registered_model_id || '/' || version,
        md5(registered_model_id::text || version), '', '1.0.' || version - 1,
        '00110010' || lpad(length((version - 1)::text)::text, 3, '0') || version - 1 || '~'
    FROM models
    CROSS JOIN generate_series(1, $2::integer) AS version
    ORDER BY version, time
    RETURNING registered_model_id, version, creation_time AS time
)
INSERT INTO registry.model_version_tags (project_id, registered_model_id, version, key, value)
SELECT
    1, registered_model_id, version, 't' || tag,
    floor(pg_temp.fraction(time * 2 + tag, 5) * 10)::text
FROM versions
CROSS JOIN generate_series(0, 1) AS tag;

-- name: logged_models
-- $1 logged models of the experiment $2 with two params, two tags and two metrics each.
WITH models AS (
    INSERT INTO tracking.logged_models (
        project_id, model_id, experiment_id, name, artifact_uri, creation_timestamp_ms,
        last_updated_timestamp_ms, status, model_type, source_run_id
    )
    SELECT
        1, 'm-' || md5('logged' || number), $2::bigint, 'logged-' || number,
        'mlflow-artifacts:/1/' || $2::bigint || '/models/m-' || md5('logged' || number),
        1760000000000 + number, 1760000000000 + number, 'READY', '', ''
    FROM generate_series(1, $1::integer) AS number
    RETURNING model_id, creation_timestamp_ms AS time
),
params AS (
    INSERT INTO tracking.logged_model_params (project_id, model_id, key, value)
    SELECT
        1, model_id, 'p' || param,
        (10 + floor(pg_temp.fraction(time * 2 + param, 6) * 99990))::text
    FROM models
    CROSS JOIN generate_series(0, 1) AS param
),
tags AS (
    INSERT INTO tracking.logged_model_tags (project_id, model_id, key, value)
    SELECT 1, model_id, 't' || tag, floor(pg_temp.fraction(time * 2 + tag, 7) * 10)::text
    FROM models
    CROSS JOIN generate_series(0, 1) AS tag
)
INSERT INTO tracking.logged_model_metrics (
    project_id, model_id, key, "timestamp", step, run_id, value
)
SELECT
    1, model_id, 'm' || metric, time, 0, md5(model_id)::uuid,
    pg_temp.fraction(time * 2 + metric, 8)
FROM models
CROSS JOIN generate_series(0, 1) AS metric;

-- name: experiment_tags
-- Two tags for each of $2 experiments of which $1 is the first.
INSERT INTO tracking.experiment_tags (project_id, experiment_id, key, value)
SELECT 1, experiment_id, 't' || tag, floor(pg_temp.fraction(experiment_id * 2 + tag, 9) * 10)::text
FROM generate_series($1::bigint, $1::bigint + $2::bigint - 1) AS experiment_id
CROSS JOIN generate_series(0, 1) AS tag;
