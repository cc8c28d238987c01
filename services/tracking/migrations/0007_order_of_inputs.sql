-- A run's inputs and outputs are returned in the order in which they were logged. Earlier ones have the
-- place 0: they come first, in their old order.
ALTER TABLE run_inputs ADD COLUMN place bigint NOT NULL DEFAULT 0;
ALTER TABLE run_model_inputs ADD COLUMN place bigint NOT NULL DEFAULT 0;
ALTER TABLE run_model_outputs ADD COLUMN place bigint NOT NULL DEFAULT 0;
