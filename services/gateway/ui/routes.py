"""Serves the page that appears when a tracking URI is opened in a browser.

MLflow clients print ``<tracking uri>/#/experiments/<id>/runs/<run>`` after each run. Browsers do not send the
fragment to the server, so the page's script selects the view. The files are the same for all projects and hold
no data: the script asks the API for it, with the user's own token.
"""

from collections.abc import Iterator
from http import HTTPStatus
from importlib.resources import files

from aiohttp.web import BaseRequest, Response
from pydantic_core import to_json

from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import required_permission
from services.gateway.http.forward import JSON_HEADERS, error_response
from services.gateway.http.requests import read_request_id
from services.gateway.http.routing import Handler, Parameters
from shared.contracts.runs import GetRun
from shared.messaging.messages import new_id

FILES = {
    "": ("page.html", "text/html"),
    "page.js": ("page.js", "text/javascript"),
    "views.js": ("views.js", "text/javascript"),
    "api.js": ("api.js", "text/javascript"),
    "page.css": ("page.css", "text/css"),
}
"""File and media type by the path below the page's path."""

HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""With these headers the page loads from and sends to this server only, and runs no scripts except its files."""


def page_routes() -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each file."""
    for path, (name, media_type) in FILES.items():
        content = (files(__package__) / name).read_bytes()
        yield "GET", f"/{path}", _file(content, media_type)


def links_route(mount: Mount, gitlab_url: str) -> tuple[str, str, Handler]:
    """Return the route of ``links.json``: the address of the project's CI jobs, null without a GitLab."""
    authenticate = mount.authenticator_for(required_permission(GetRun))

    async def handle(request: BaseRequest, _parameters: Parameters) -> Response:
        request_id = read_request_id(request.headers, new_id().hex)
        try:
            caller = await authenticate(request)
        except Exception as error:
            return error_response(error, request, request_id, mount.dialect)
        jobs = f"{gitlab_url.rstrip('/')}/{caller.project_path}/-/jobs/" if gitlab_url else None
        return Response(
            body=to_json({"jobs": jobs}), headers={**JSON_HEADERS, "X-Request-Id": request_id}
        )

    return "GET", "/links.json", handle


def _file(content: bytes, media_type: str) -> Handler:
    async def handle(_request: BaseRequest, _parameters: Parameters) -> Response:
        return Response(body=content, content_type=media_type, charset="utf-8", headers=HEADERS)

    return handle


async def to_page(request: BaseRequest, _parameters: Parameters) -> Response:
    """Redirect from the tracking URI to the page, whose path is the same with a slash at the end.

    The target is relative, so that it is right behind any proxy. Browsers keep the fragment.
    """
    location = request.rel_url.raw_path.rpartition("/")[2] + "/"
    return Response(status=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": location})
