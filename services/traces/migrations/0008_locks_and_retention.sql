-- Writers of the same traces lock them in one order, and no trace enters a purged experiment. Traces expire by the time
-- of their arrival.

-- The experiment is gone for good. The row stays, so that an older answer of tracking can't bring it back.
ALTER TABLE experiments ADD COLUMN purged boolean NOT NULL DEFAULT false;

-- By the database's clock, as `week` is. What arrived before this migration counts as new.
ALTER TABLE traces ADD COLUMN arrived_at timestamptz NOT NULL DEFAULT now();

CREATE INDEX traces_arrival_idx ON traces (project_id, experiment_id, arrived_at);

-- Locks the traces that a transaction writes, in the order of project and id, and returns those that it has made. A
-- missing trace is made where an experiment is given; otherwise it is left out. A transaction calls it once, before it
-- writes anything that hangs on traces: so no two transactions wait for each other.
CREATE FUNCTION lock_traces(
    projects bigint[], ids text[], experiments bigint[], times bigint[], states text[]
) RETURNS TABLE (project_id bigint, trace_id text) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT w.* FROM unnest(projects, ids, experiments, times, states)
            AS w (project, id, experiment, request_time, state)
        ORDER BY w.project, w.id COLLATE "C"
    LOOP
        -- A trace may be made or deleted by another transaction between two statements of this loop.
        LOOP
            PERFORM FROM traces AS t
            WHERE t.project_id = wanted.project AND t.trace_id = wanted.id
            FOR UPDATE;
            EXIT WHEN FOUND OR wanted.experiment IS NULL;
            INSERT INTO traces (project_id, trace_id, experiment_id, request_time, state, week)
            VALUES (
                wanted.project, wanted.id, wanted.experiment, wanted.request_time, wanted.state,
                date_trunc('week', now() AT TIME ZONE 'UTC')::date
            )
            ON CONFLICT DO NOTHING;
            IF FOUND THEN
                project_id := wanted.project;
                trace_id := wanted.id;
                RETURN NEXT;
                EXIT;
            END IF;
        END LOOP;
    END LOOP;
END
$$;

-- ATTACH PARTITION locks the default partition, through which every read and write of spans goes: whatever comes after it
-- waits while it waits. So it waits for a moment only, and is tried again.
ALTER FUNCTION make_span_partitions(integer) SET lock_timeout = '200ms';
