-- New runs are the last ones in these indexes now, and PostgreSQL fills a last page before it begins another one. A page
-- at the front it splits into halves: the indexes were twice as large. Searches read them backwards.
DROP INDEX runs_newest_idx;

CREATE INDEX runs_newest_idx ON runs (project_id, experiment_id, start_time, run_id DESC)
INCLUDE (deleted, status, end_time, name_head, user_head);

DROP INDEX runs_newest_of_project_idx;

CREATE INDEX runs_newest_of_project_idx ON runs (project_id, (start_time + 0), run_id DESC)
INCLUDE (experiment_id);

-- Most series never get blocks. NULL takes no room.
ALTER TABLE metric_series
ALTER COLUMN settled_round DROP DEFAULT,
ALTER COLUMN settled_round DROP NOT NULL;
