"""OTLP/HTTP: spans of OpenTelemetry become spans of MLflow, and go to the traces service."""
