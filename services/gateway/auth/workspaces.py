"""Reads the workspace of a request from the header that MLflow clients send after ``mlflow.set_workspace``."""

from aiohttp.web import BaseRequest

from shared.contracts.errors import invalid
from shared.mlflow.workspaces import DEFAULT, check_name

WORKSPACE = "X-MLFLOW-WORKSPACE"


def workspace_of(request: BaseRequest) -> str:
    """Return the workspace's name; empty if there is none or it means the root project. Raises DomainError."""
    if WORKSPACE not in request.headers:
        return ""
    name = request.headers[WORKSPACE].strip()
    if name in {"", DEFAULT}:
        return ""
    check_name(name)
    return name


def refuse_workspace(request: BaseRequest) -> None:
    """Raise DomainError if a request names a workspace although its path names the project.

    If one of the two were ignored, data could be written to a project that the client does not expect.
    """
    if WORKSPACE in request.headers and request.headers[WORKSPACE].strip():
        message = (
            f"{WORKSPACE} can't be used with the tracking URI of a project. "
            "Remove the header, or use the server's root URI."
        )
        raise invalid(message)
