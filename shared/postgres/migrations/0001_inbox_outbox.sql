-- Every service's schema has these two tables (shared.postgres.executor writes them).

-- The work that is done: one row for each frame, for each command that ran alone, for each Idempotency-Key
-- and for each event. A row is written in the transaction of the work, so a second delivery finds the
-- replies of the first. NULL replies: the frame was begun, and its commands run one by one.
CREATE TABLE inbox (
    id uuid NOT NULL,
    replies bytea,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_pkey PRIMARY KEY (id)
);

-- For pruning. Rows arrive in the order of time, so a BRIN index is enough, and costs next to nothing.
CREATE INDEX inbox_received_at_idx ON inbox USING brin (received_at);

-- Events that wait for their publication, in the order in which they were written.
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (position)
);
