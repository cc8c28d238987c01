"""The endpoints of MLflow's workspaces. Workspaces are projects, so the permissions are GitLab's."""

from functools import partial

from services.gateway.gitlab.endpoints import MAX_BYTES
from services.gateway.http.endpoint import Endpoint
from shared.contracts import workspaces as w

PREFIXES = ("/api/3.0/mlflow/", "/ajax-api/3.0/mlflow/")

ONE = "workspaces/{workspace_name}"

_endpoint = partial(Endpoint, prefixes=PREFIXES, max_bytes=MAX_BYTES)

ENDPOINTS = (
    _endpoint("GET", "workspaces", w.ListWorkspaces, w.WorkspacesReply, anonymous="in open mode"),
    _endpoint("POST", "workspaces", w.CreateWorkspace, w.WorkspaceReply, status=201),
    _endpoint("GET", ONE, w.GetWorkspace, w.WorkspaceReply, anonymous="in open mode"),
    _endpoint("PATCH", ONE, w.UpdateWorkspace, w.WorkspaceReply),
    _endpoint("DELETE", ONE, w.DeleteWorkspace, None, status=204),
)
