"""MLflow's REST API: its endpoints and their mounts."""
