"""MLflow's rules and wording: validation, the search grammar, artifact paths, workspaces."""
