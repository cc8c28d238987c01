-- Every service's schema has these two tables (shared.postgres.executor writes them).

-- What was done already: one row a frame, one a command that ran by itself, one an Idempotency-Key.
-- Written in the transaction of the commands themselves, so a second delivery finds the replies of
-- the first. NULL replies: begun, answered row by row.
CREATE TABLE inbox (
    id uuid NOT NULL,
    replies bytea,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_pkey PRIMARY KEY (id)
);

CREATE INDEX inbox_received_at_idx ON inbox USING brin (received_at);

-- Events on their way to the broker, in the order in which they happened.
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (position)
);
