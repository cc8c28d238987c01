"""The routes of what a browser sees at a tracking URI: MLflow's web UI, and the page that helps to connect clients.

MLflow clients print ``<tracking uri>/#/experiments/<id>/runs/<run>`` after each run. Browsers do not send the
fragment to the server: the UI's script selects the view. All URLs in the UI are relative, so the same files serve
every mount. They hold no data: the script asks the API for it.
"""

from collections.abc import Iterator
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from aiohttp.web import BaseRequest, Response

from services.gateway.http.routing import Handler, Parameters
from services.gateway.ui.directory import INDEX
from services.gateway.ui.empty_answers import empty_routes
from services.gateway.ui.files import disk_files, memory_file, version

HELP_FILES = ("help.css", "help.html", "help.js", "start.js", "frame.html")
ICON = "favicon.ico"

HEADERS = {
    # Styles are set by scripts. Charts are drawn by workers from blobs; artifacts are shown from blobs.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-src 'self' blob:; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""With these headers a page loads from and sends to this server only, and runs no scripts except its files."""

_SCRIPTS = "script-src 'self'"
INDEX_HEADERS = {
    **HEADERS,
    # The plot of parallel coordinates compiles its drawing with "new Function".
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        _SCRIPTS, f"{_SCRIPTS} 'unsafe-eval'"
    ),
}
"""Of the UI's page. A text becomes a script only if a script of these files makes it one."""

FRAME_HEADERS = {
    # Scripts of figures are inline, or come from the sites that publish them. "sandbox" gives the page an origin of
    # its own and forbids forms, pop-ups and other top pages, also where a browser opens it without the UI's frame.
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'unsafe-inline' 'unsafe-eval' data: blob: https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""With these headers an HTML artifact runs its scripts, and reaches neither this server's cookies nor its API."""

_HEAD_END = "</head>"
_IN_HEAD = (
    # Nothing answers the assistant, whose button the UI shows on localhost. "Manage" is for MLflow's own users.
    "<style>[data-assistant-ui],[data-component-id='mlflow.sidebar.manage']{display:none!important}</style>"
)
_SCRIPT = "<script "
_START = '<script src="help/start.js?{}"></script>'
"""The UI waits for this script, so browsers load it without asking whether it has changed."""
_BODY_END = "</body>"
_HELP_LINK = (
    "<!-- MLflow's page, to which Warren has added start.js, a style and this link. -->"
    '<a href="help/" style="position:fixed;bottom:2px;left:16px;z-index:9;font:12px system-ui,sans-serif">'
    "Connect a client</a>"
)
"""MLflow's licence asks to mark changed files."""


def ui_routes(directory: Path | None) -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each route. Without a directory only the help page is there."""
    for name in HELP_FILES:
        path = "" if name == "help.html" else name
        content = (files(__package__) / name).read_bytes()
        headers = FRAME_HEADERS if name == "frame.html" else HEADERS
        yield "GET", f"/help/{path}", memory_file(name, content, headers)
    yield "GET", "/help", to_directory
    if directory is None:
        yield "GET", "/", _to_help
        return
    yield "GET", "/", memory_file(INDEX, index_page(directory).encode(), INDEX_HEADERS)
    yield "GET", "/static-files/{path:path}", disk_files(directory, HEADERS)
    # Browsers ask for it at the root, for a page that names no icon.
    if (directory / ICON).is_file():
        yield "GET", f"/{ICON}", memory_file(ICON, (directory / ICON).read_bytes(), HEADERS)
    yield from empty_routes()


def index_page(directory: Path) -> str:
    """Return the UI's page with Warren's script in front of the UI's, which waits for the page, and with its link."""
    page = (directory / INDEX).read_text(encoding="utf-8")
    start = _START.format(version((files(__package__) / "start.js").read_bytes()))
    for place, added in ((_SCRIPT, start), (_HEAD_END, _IN_HEAD), (_BODY_END, _HELP_LINK)):
        page = page.replace(place, added + place, 1)
    return page


async def to_directory(request: BaseRequest, _parameters: Parameters) -> Response:
    """Redirect to the same path with a slash at its end. The target is relative, so that it is right behind any proxy.

    Browsers keep the fragment.
    """
    location = request.rel_url.raw_path.rpartition("/")[2] + "/"
    return Response(status=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": location})


async def _to_help(_request: BaseRequest, _parameters: Parameters) -> Response:
    return Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": "help/"})
