"""The root project. Every key in every service begins with a project's number."""

ROOT_PROJECT = 1
"""The project of clients that name no project, as plain MLflow clients do."""

ROOT_PATH = "root/default"
"""Its full path, which never changes."""
