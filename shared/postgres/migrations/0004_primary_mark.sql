-- One row: the mark of the server that is the primary. A standby that shows it follows this primary.
CREATE TABLE primary_mark (
    single boolean CONSTRAINT primary_mark_pkey PRIMARY KEY DEFAULT true CONSTRAINT primary_mark_single CHECK (single),
    mark text NOT NULL
);
