-- Searches by spans, and figures over them. A span has its trace's experiment: indexes begin with what a search is
-- limited to. The indexes are those of each partition.

ALTER TABLE spans ADD COLUMN experiment_id bigint;
ALTER TABLE spans ADD COLUMN input_cost double precision;
ALTER TABLE spans ADD COLUMN output_cost double precision;
ALTER TABLE spans ADD COLUMN total_cost double precision;

UPDATE spans AS s SET
    experiment_id = t.experiment_id,
    type = left(s.type, 250),
    model_name = left(s.model_name, 250),
    model_provider = left(s.model_provider, 250),
    input_cost = (s.cost::json ->> 'input_cost')::double precision,
    output_cost = (s.cost::json ->> 'output_cost')::double precision,
    total_cost = (s.cost::json ->> 'total_cost')::double precision
FROM traces AS t
WHERE t.project_id = s.project_id AND t.trace_id = s.trace_id;

-- Of traces that are gone.
DELETE FROM spans WHERE experiment_id IS NULL;

ALTER TABLE spans ALTER COLUMN experiment_id SET NOT NULL;

-- An index entry has no room for a long name. Those have an index of their own.
CREATE INDEX spans_name_idx
    ON spans (project_id, experiment_id, name COLLATE "C", status COLLATE "C", trace_id)
    WHERE char_length(name) < 250;

CREATE INDEX spans_long_name_idx
    ON spans (project_id, experiment_id, trace_id)
    WHERE char_length(name) >= 250;

-- Figures over spans are read from this index alone.
CREATE INDEX spans_type_idx
    ON spans (project_id, experiment_id, type COLLATE "C", status COLLATE "C", name COLLATE "C", trace_id)
    INCLUDE (start_time, end_time)
    WHERE char_length(name) < 250;

CREATE INDEX spans_cost_idx
    ON spans (project_id, experiment_id, start_time)
    INCLUDE (trace_id, model_name, model_provider, input_cost, output_cost, total_cost)
    WHERE cost IS NOT NULL;

-- The value of an attribute of a span, as a person would write it: a text without quotes, anything else as JSON. NULL
-- if the span does not have it, or if PostgreSQL can't read the JSON (it has no text with the character 0).
CREATE FUNCTION span_attribute(content text, key text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
DECLARE
    found text;
BEGIN
    found := content::json -> 'attributes' ->> key;
    IF starts_with(found, '"') THEN
        BEGIN
            RETURN found::json #>> '{}';
        EXCEPTION WHEN OTHERS THEN
            RETURN found;
        END;
    END IF;
    RETURN found;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;
