"""Warren beside `mlflow server` and FastTrackML under the same load, on the same PostgreSQL server."""
