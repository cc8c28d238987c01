"""Serves files to browsers: those of MLflow's UI from disk, small ones from memory.

The kernel's page cache holds the UI's 28 MB once for all gateways of a machine. Compressed files lie beside the
others on disk (``tools/mlflow_ui.py`` writes them), so no request costs a compression.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from aiohttp.web import BaseRequest, FileResponse, Response, StreamResponse

from services.gateway.http.routing import Handler, Parameters
from services.gateway.mlflow.routes import unrouted_error
from shared.contracts.errors import DomainError, ErrorCode

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".eot": "application/vnd.ms-fontobject",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".cjs": "text/javascript; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
"""The media type by the end of a file's name. Those of Python depend on the machine."""

_HASHED = re.compile(r"\.[0-9a-f]{8,}\.")
"""Such a name changes with the file's content, so browsers may keep the file for ever."""

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_NEVER = "no-store"


class _DiskFile(FileResponse):
    """A file, or the refusal of a range or precondition, which no cache may keep as long as the file."""

    def set_status(self, status: int, reason: str | None = None) -> None:
        super().set_status(status, reason)
        if status >= HTTPStatus.BAD_REQUEST:
            self.headers["Cache-Control"] = _NEVER


def disk_files(directory: Path, headers: Mapping[str, str]) -> Handler:
    """Return the handler of all files below a directory, which the parameter ``path`` names.

    The directory is listed once, here: no path of a request reaches the file system. A file is answered with an
    ETag, ranges and, if a file of the same name with ``.gz`` lies beside it, compressed.
    """
    files = {
        path.relative_to(directory).as_posix(): (path, _headers(path.name, headers))
        for path in directory.rglob("*")
        if path.suffix in MEDIA_TYPES and path.is_file()
    }

    async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
        found = files.get(parameters["path"])
        if found is None:
            message = f"There is no file {request.path}."
            return unrouted_error(request, DomainError(ErrorCode.ENDPOINT_NOT_FOUND, message))
        return _DiskFile(found[0], headers=found[1])

    return handle


def memory_file(name: str, content: bytes, headers: Mapping[str, str]) -> Handler:
    """Return the handler of one small file.

    Browsers ask before they use a stored copy, unless the address has the file's `version`.
    """
    etag = sha256(content).hexdigest()[:32]
    all_headers = {**_headers(name, headers), "Cache-Control": _ASK_FIRST}
    versioned_headers = {**all_headers, "Cache-Control": _FOR_EVER}
    wanted = version(content)

    async def handle(request: BaseRequest, _parameters: Parameters) -> Response:
        stored = any(each.value in {etag, "*"} for each in request.if_none_match or ())
        status = HTTPStatus.NOT_MODIFIED if stored else HTTPStatus.OK
        # During an upgrade, the page of one gateway asks another one, which may have another version of the file.
        own = versioned_headers if request.rel_url.query_string == wanted else all_headers
        response = Response(status=status, body=None if stored else content, headers=own)
        response.etag = etag
        return response

    return handle


def version(content: bytes) -> str:
    """Return the query of an address that changes with the file's content: browsers may keep the file for ever."""
    return f"v={sha256(content).hexdigest()[:16]}"


def _headers(name: str, headers: Mapping[str, str]) -> dict[str, str]:
    return {
        **headers,
        "Content-Type": MEDIA_TYPES[Path(name).suffix],
        "Cache-Control": _FOR_EVER if _HASHED.search(name) else _ASK_FIRST,
    }
