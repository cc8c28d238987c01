"""MLflow's web UI, and the page that says how to connect a client: static files (ADR 66)."""
