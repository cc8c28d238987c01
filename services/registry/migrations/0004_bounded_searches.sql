-- Searches read a bounded number of rows (ADR 65). Each order has an index, and each clause one that leads to what
-- satisfies it. Texts in indexes are in the collation "C". A value that may be long has two: an index entry has no room
-- for it.

-- A version has the name of its model, so that one index has an order by both. A new name has always written to all
-- versions: they count as changed.
ALTER TABLE model_versions ADD COLUMN name text COLLATE "C";

UPDATE model_versions SET name = models.name
FROM registered_models AS models
WHERE models.project_id = model_versions.project_id
    AND models.registered_model_id = model_versions.registered_model_id;

ALTER TABLE model_versions ALTER COLUMN name SET NOT NULL;

-- While this release is rolled out, processes of the previous one insert versions without a name, and change names of
-- models alone.
CREATE FUNCTION default_version_name() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    SELECT name INTO NEW.name FROM registered_models
    WHERE project_id = NEW.project_id AND registered_model_id = NEW.registered_model_id;
    RETURN NEW;
END
$$;

CREATE TRIGGER default_version_name BEFORE INSERT ON model_versions
FOR EACH ROW WHEN (NEW.name IS NULL) EXECUTE FUNCTION default_version_name();

CREATE FUNCTION rename_versions() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE model_versions SET name = NEW.name
    WHERE project_id = NEW.project_id AND registered_model_id = NEW.registered_model_id
        AND name <> NEW.name;
    RETURN NULL;
END
$$;

CREATE TRIGGER rename_versions AFTER UPDATE OF name ON registered_models
FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION rename_versions();

DROP INDEX model_versions_updated_idx;

CREATE INDEX model_versions_updated_idx
    ON model_versions (project_id, last_updated_time DESC, name, version DESC);

CREATE INDEX model_versions_created_idx
    ON model_versions (project_id, creation_time DESC, name, version DESC);

CREATE INDEX model_versions_name_idx
    ON model_versions (project_id, name, version DESC) INCLUDE (registered_model_id);

CREATE INDEX model_versions_number_idx
    ON model_versions (project_id, version, name) INCLUDE (registered_model_id);

DROP INDEX model_versions_run_idx;

CREATE INDEX model_versions_run_idx
    ON model_versions (project_id, run_id COLLATE "C") INCLUDE (registered_model_id, version);

CREATE INDEX model_versions_source_idx
    ON model_versions (project_id, source COLLATE "C") INCLUDE (registered_model_id, version)
    WHERE char_length(source) < 250;

CREATE INDEX model_versions_long_source_idx ON model_versions (project_id)
    WHERE char_length(source) >= 250;

CREATE INDEX model_version_tags_value_idx
    ON model_version_tags (project_id, key, value COLLATE "C", registered_model_id, version)
    WHERE char_length(value) < 250;

CREATE INDEX model_version_tags_long_idx ON model_version_tags (project_id, key)
    WHERE char_length(value) >= 250;

ALTER TABLE registered_models DROP CONSTRAINT registered_models_name_key;

ALTER TABLE registered_models ADD CONSTRAINT registered_models_name_key
    UNIQUE (project_id, name) INCLUDE (registered_model_id);

CREATE INDEX registered_model_tags_value_idx
    ON registered_model_tags (project_id, key, value COLLATE "C", registered_model_id)
    WHERE char_length(value) < 250;

CREATE INDEX registered_model_tags_long_idx ON registered_model_tags (project_id, key)
    WHERE char_length(value) >= 250;
