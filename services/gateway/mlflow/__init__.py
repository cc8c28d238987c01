"""MLflow's REST API: its endpoints, and where they are mounted."""
