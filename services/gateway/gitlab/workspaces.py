"""The endpoints of MLflow's workspaces. Workspaces are projects, so the permissions are GitLab's."""

from services.gateway.gitlab.endpoints import RestEndpoint
from shared.contracts import workspaces as w

PREFIXES = ("/api/3.0/mlflow/", "/ajax-api/3.0/mlflow/")

ONE = "workspaces/{workspace_name}"

ENDPOINTS = (
    RestEndpoint("GET", "workspaces", w.ListWorkspaces, open=True),
    RestEndpoint("POST", "workspaces", w.CreateWorkspace, 201),
    RestEndpoint("GET", ONE, w.GetWorkspace, open=True),
    RestEndpoint("PATCH", ONE, w.UpdateWorkspace),
    RestEndpoint("DELETE", ONE, w.DeleteWorkspace, 204),
)
