"""Which workspace a request names, in the header that MLflow's clients send after ``mlflow.set_workspace``."""

from aiohttp.web import BaseRequest

from shared.contracts.errors import invalid
from shared.mlflow.workspaces import DEFAULT, check_name

WORKSPACE = "X-MLFLOW-WORKSPACE"


def workspace_of(request: BaseRequest) -> str:
    """Return the name; empty if there is none, or the root project's. Raises DomainError."""
    if WORKSPACE not in request.headers:
        return ""
    name = request.headers[WORKSPACE].strip()
    if name in {"", DEFAULT}:
        return ""
    check_name(name)
    return name


def refuse_workspace(request: BaseRequest) -> None:
    """Raise DomainError for a workspace where the address names the project already.

    Whichever of the two counted, data could end in another place than the client says.
    """
    if WORKSPACE in request.headers and request.headers[WORKSPACE].strip():
        message = (
            f"The header {WORKSPACE} names a workspace, but the tracking URI is that of a project. "
            "Use one or the other."
        )
        raise invalid(message)
