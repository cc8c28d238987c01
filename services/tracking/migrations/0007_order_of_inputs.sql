-- What a run read and made comes back in the order in which it was logged. What was logged before has no
-- place and comes first, in the order that it had.
ALTER TABLE run_inputs ADD COLUMN place bigint NOT NULL DEFAULT 0;
ALTER TABLE run_model_inputs ADD COLUMN place bigint NOT NULL DEFAULT 0;
ALTER TABLE run_model_outputs ADD COLUMN place bigint NOT NULL DEFAULT 0;
