"""How long MLflow's web UI takes in Chromium, in front of Warren and in front of `mlflow server`."""
