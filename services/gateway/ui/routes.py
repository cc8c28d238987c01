"""Serves the page where a tracking URI leads to when it is opened in a browser.

MLflow's clients print ``<tracking uri>/#/experiments/<id>/runs/<run>`` after each run. The fragment
never reaches the server, so the page finds its way in the browser, from the same files for each
project: they hold no data, and what they show is asked of the API with the reader's own rights.
"""

from collections.abc import Iterator
from http import HTTPStatus
from importlib.resources import files

from aiohttp.web import BaseRequest, Response
from pydantic_core import to_json

from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import required_permission
from services.gateway.http.forward import JSON_HEADERS, explained
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
"""File and media type by the path below the page's own."""

HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Nothing comes from elsewhere or goes there, and no script runs that is not one of the files."""


def page_routes() -> Iterator[tuple[str, str, Handler]]:
    """Yield method, path and handler of each file."""
    for path, (name, media_type) in FILES.items():
        content = (files(__package__) / name).read_bytes()
        yield "GET", f"/{path}", _file(content, media_type)


def links_route(mount: Mount, gitlab_url: str) -> tuple[str, str, Handler]:
    """Return the route of what the page cannot know: where the CI jobs of its project are, if anywhere."""
    authenticate = mount.authenticate(required_permission(GetRun))

    async def handle(request: BaseRequest, _parameters: Parameters) -> Response:
        request_id = read_request_id(request.headers, new_id().hex)
        try:
            caller = await authenticate(request)
        except Exception as error:
            return explained(error, request, request_id, mount.dialect)
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
    """Lead from the tracking URI to the page, whose files lie below the slash at its end.

    The address is a relative one, so that it holds behind any proxy; browsers keep the fragment.
    """
    location = request.rel_url.raw_path.rpartition("/")[2] + "/"
    return Response(status=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": location})
