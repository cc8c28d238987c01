-- An event keeps its id whenever it is published again, so that subscribers recognise a copy.

ALTER TABLE outbox ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();
