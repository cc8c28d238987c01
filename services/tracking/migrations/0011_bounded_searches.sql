-- Searches of experiments and logged models read a bounded number of rows (ADR 65). Each order has an index, and each
-- clause one that leads to what satisfies it. Texts in indexes are in the collation "C". A value that may be long has
-- two: an index entry has no room for it.

CREATE INDEX experiments_created_idx
    ON experiments (project_id, creation_time DESC, experiment_id);

CREATE INDEX experiments_updated_idx
    ON experiments (project_id, last_update_time, experiment_id DESC);

CREATE INDEX experiments_ordered_name_idx
    ON experiments (project_id, name COLLATE "C") INCLUDE (experiment_id);

CREATE INDEX experiments_deleted_idx ON experiments (project_id, deleted, experiment_id);

CREATE INDEX experiment_tags_value_idx
    ON experiment_tags (project_id, key, value COLLATE "C", experiment_id)
    WHERE char_length(value) < 250;

CREATE INDEX experiment_tags_long_idx ON experiment_tags (project_id, key)
    WHERE char_length(value) >= 250;

-- Searches find no deleted models.
DROP INDEX logged_models_newest_idx;

CREATE INDEX logged_models_newest_idx
    ON logged_models (project_id, experiment_id, creation_timestamp_ms DESC, model_id)
    WHERE NOT deleted;

CREATE INDEX logged_models_updated_idx
    ON logged_models (project_id, experiment_id, last_updated_timestamp_ms DESC, creation_timestamp_ms DESC, model_id)
    WHERE NOT deleted;

CREATE INDEX logged_models_name_idx
    ON logged_models (project_id, experiment_id, name COLLATE "C", creation_timestamp_ms DESC, model_id)
    WHERE NOT deleted;

CREATE INDEX logged_models_type_idx
    ON logged_models (project_id, experiment_id, model_type COLLATE "C", creation_timestamp_ms DESC, model_id)
    WHERE NOT deleted;

CREATE INDEX logged_models_status_idx
    ON logged_models (project_id, experiment_id, status COLLATE "C", creation_timestamp_ms DESC, model_id)
    WHERE NOT deleted;

CREATE INDEX logged_models_run_idx
    ON logged_models (project_id, experiment_id, source_run_id COLLATE "C", creation_timestamp_ms DESC, model_id)
    WHERE NOT deleted;

CREATE INDEX logged_models_id_idx
    ON logged_models (project_id, experiment_id, model_id)
    WHERE NOT deleted;

CREATE INDEX logged_model_params_value_idx
    ON logged_model_params (project_id, key, value COLLATE "C", model_id)
    WHERE char_length(value) < 250;

CREATE INDEX logged_model_params_long_idx ON logged_model_params (project_id, key)
    WHERE char_length(value) >= 250;

CREATE INDEX logged_model_tags_value_idx
    ON logged_model_tags (project_id, key, value COLLATE "C", model_id)
    WHERE char_length(value) < 250;

CREATE INDEX logged_model_tags_long_idx ON logged_model_tags (project_id, key)
    WHERE char_length(value) >= 250;

CREATE INDEX logged_model_metrics_value_idx
    ON logged_model_metrics (project_id, key, value, model_id);
