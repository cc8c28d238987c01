-- The content that all servers get, the same at each call. The functions live as long as the loader's connection.

-- name: fraction
-- A number in [0, 1) with 52 bits that depend on the arguments alone.
CREATE FUNCTION pg_temp.fraction(number bigint, seed bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((hashint8extended(number, seed) >> 12) & 4503599627370495) / 4503599627370496.0::float8;

-- name: runs
-- Runs by number. They start a second apart. Their ids are version 7 UUIDs, as Warren makes them.
-- OFFSET 0 makes PostgreSQL compute an id once for a run, and not once for each of its points.
CREATE FUNCTION pg_temp.runs(first bigint, last bigint)
RETURNS TABLE (number bigint, start_time bigint, run_id uuid, hex text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT number, start_time, hex::uuid, hex
    FROM generate_series(first, last) AS number
    CROSS JOIN LATERAL (SELECT 1760000000000 + number * 1000) AS started (start_time)
    CROSS JOIN LATERAL (
        SELECT lpad(to_hex(start_time), 12, '0')
            || '7' || substr(md5(number::text), 1, 3)
            || '8' || substr(md5(number::text), 4, 15)
    ) AS named (hex)
    OFFSET 0;
END;

-- name: metrics
-- The points of those runs: metrics m0 to m9, steps 0 to 4.
CREATE FUNCTION pg_temp.metrics(first bigint, last bigint)
RETURNS TABLE (
    number bigint, run_id uuid, hex text, key text, step bigint, "timestamp" bigint,
    value double precision
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        number, run_id, hex, 'm' || metric, step, start_time + step * 100,
        pg_temp.fraction((number * 16 + metric) * 8 + step, 1)
    FROM pg_temp.runs(first, last)
    CROSS JOIN generate_series(0, 9) AS metric
    CROSS JOIN generate_series(0, 4) AS step;
END;

-- name: params
-- Their params: p0 to p9, integers from 10 to 99,999.
CREATE FUNCTION pg_temp.params(first bigint, last bigint)
RETURNS TABLE (number bigint, run_id uuid, hex text, key text, value text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        number, run_id, hex, 'p' || param,
        (10 + floor(pg_temp.fraction(number * 16 + param, 2) * 99990))::text
    FROM pg_temp.runs(first, last)
    CROSS JOIN generate_series(0, 9) AS param;
END;

-- name: tags
-- Their tags: t0 to t4, digits, and the name that every server makes a tag.
CREATE FUNCTION pg_temp.tags(first bigint, last bigint)
RETURNS TABLE (number bigint, run_id uuid, hex text, key text, value text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        number, run_id, hex, 't' || tag,
        floor(pg_temp.fraction(number * 16 + tag, 3) * 10)::text
    FROM pg_temp.runs(first, last)
    CROSS JOIN generate_series(0, 4) AS tag
    UNION ALL
    SELECT number, run_id, hex, 'mlflow.runName', 'run-' || number
    FROM pg_temp.runs(first, last);
END;

-- name: long
-- The points of one run that has metrics m0, m1, … with the same steps 0, 1, …
CREATE FUNCTION pg_temp.long(wanted bigint, metrics bigint, points bigint)
RETURNS TABLE (run_id uuid, hex text, key text, step bigint, "timestamp" bigint, value double precision)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        run_id, hex, 'm' || metric, step, start_time + step * 100,
        pg_temp.fraction(metric * points + step, wanted)
    FROM pg_temp.runs(wanted, wanted)
    CROSS JOIN generate_series(0, metrics - 1) AS metric
    CROSS JOIN generate_series(0, points - 1) AS step;
END;
