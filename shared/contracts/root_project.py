"""Projects: every key in every service begins with one's number."""

ROOT_PROJECT = 1
"""The project of clients that name none, as plain MLflow clients do."""

ROOT_PATH = "root/default"
"""Its full path, which stays as it is."""
