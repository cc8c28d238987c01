"""Stock MLflow clients against running servers."""
