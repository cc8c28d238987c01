-- An event keeps its id however often it is published, so that who hears of it twice can tell.

ALTER TABLE outbox ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();
