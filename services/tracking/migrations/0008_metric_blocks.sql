-- Where the points of a long series lie, so that a chart or a page reads only the points that it shows (ADR 15).
-- A block stands for 128 neighbours in the index of metric_points: block n for those from rank n * 128.
CREATE TABLE metric_blocks (
    project_id bigint NOT NULL,
    series_id bigint NOT NULL,
    block int NOT NULL,
    first_step bigint NOT NULL,
    first_timestamp bigint NOT NULL,
    first_value double precision NOT NULL,
    last_step bigint NOT NULL,
    last_timestamp bigint NOT NULL,
    last_value double precision NOT NULL,
    earliest bigint NOT NULL,
    latest bigint NOT NULL,
    CONSTRAINT metric_blocks_pkey PRIMARY KEY (project_id, series_id, block)
);

-- Blocks are true if they end before the settled moment (a step, then a timestamp). A point that is logged
-- before it moves it back to its own moment, in the same statement. NULL: there are no blocks.
-- A process that moves it forward also increments the round.
ALTER TABLE metric_series
ADD COLUMN settled_step bigint,
ADD COLUMN settled_timestamp bigint,
ADD COLUMN settled_round int NOT NULL DEFAULT 0;

-- Move the settled moment of a series back to that of a late point, and return its step.
CREATE FUNCTION unsettle_series(bigint, uuid, text, bigint, bigint) RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    UPDATE metric_series
    SET settled_step = $4, settled_timestamp = $5
    WHERE project_id = $1
        AND run_id = $2
        AND key = $3
        AND ($4, $5) < (settled_step, settled_timestamp);
    SELECT $4;
END;
