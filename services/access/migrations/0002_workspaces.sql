-- The short name of a project for MLflow's clients, if it has one (shared.mlflow.workspaces).
ALTER TABLE projects ADD COLUMN workspace text;
CREATE UNIQUE INDEX projects_workspace_key ON projects (workspace) WHERE deletion_time IS NULL;
UPDATE projects SET workspace = 'default' WHERE project_id = 1;
