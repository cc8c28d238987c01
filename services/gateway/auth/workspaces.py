"""Reads the workspace of a request from the header that MLflow clients send after ``mlflow.set_workspace``.

A read may name it in its query instead: the image of a page has no headers.
"""

from aiohttp.web import BaseRequest

from shared.contracts.errors import invalid
from shared.mlflow.workspaces import DEFAULT, check_name

WORKSPACE = "X-MLFLOW-WORKSPACE"
QUERY = "workspace"


def workspace_of(request: BaseRequest) -> str:
    """Return the workspace's name; empty if there is none or it means the root project. Raises DomainError."""
    name = _named(request)
    if name in {"", DEFAULT}:
        return ""
    check_name(name)
    return name


def refuse_workspace(request: BaseRequest) -> None:
    """Raise DomainError if a request names a workspace although its path names the project.

    If one of the two were ignored, data could be written to a project that the client does not expect.
    """
    if _named(request):
        message = (
            f"{WORKSPACE} can't be used with the tracking URI of a project. "
            "Remove the header, or use the server's root URI."
        )
        raise invalid(message)


def _named(request: BaseRequest) -> str:
    if WORKSPACE in request.headers:
        return request.headers[WORKSPACE].strip()
    # A search in the text is cheaper than parsing the query string of each request.
    if request.method in {"GET", "HEAD"} and f"{QUERY}=" in request.query_string:
        return request.query.get(QUERY, "").strip()
    return ""
