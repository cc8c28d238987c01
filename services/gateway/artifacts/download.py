"""Streams artifacts from the storage to the client, as fast as the client reads."""

from http import HTTPStatus

import aiohttp
import structlog
from aiohttp.web import BaseRequest, StreamResponse

from services.gateway.artifacts.ranges import storage_headers, without_range
from services.gateway.artifacts.storage import Storage
from services.gateway.dialects.refusal import HttpError
from services.gateway.http.origins import EXTRA_HEADERS
from services.gateway.http.requests import TooSlowError
from services.gateway.http.streams import break_off, write
from services.gateway.service_client import ServiceClient
from shared.contracts.artifacts import PresignArtifact, PresignArtifactReply
from shared.mlflow.artifact_paths import absent
from shared.mlflow.content_types import attachment, content_type
from shared.runtime.metrics import ARTIFACT_BYTES

_COPIED = ("Content-Encoding", "Content-Length", "Content-Range", "ETag", "Last-Modified")
"""Headers that are copied from the storage's answer.

An object has a ``Content-Encoding`` only if a client uploaded it to the storage directly.
"""
_WHOLE_OR_PART = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED)
_OUTGOING = ARTIFACT_BYTES.labels("out")

_log = structlog.get_logger(__name__)


async def send_artifact(
    request: BaseRequest, path: str, services: ServiceClient, storage: Storage, stall_seconds: float
) -> StreamResponse:
    """Answer GET or HEAD with an artifact, or with the part that the request's Range names.

    As in MLflow's server, the answer has a media type and is an attachment: otherwise a browser could run the
    artifact's scripts with the gateway's origin. ``stall_seconds`` is the number of seconds for which the client may
    read nothing. Raises DomainError.
    """
    query = PresignArtifact(method=request.method, path=path)
    reply = PresignArtifactReply.model_validate_json(await services.send(query))
    wanted = storage_headers(request.headers)
    async with storage.read(request.method, reply.url, wanted) as stored:
        if stored.status == HTTPStatus.NOT_FOUND:
            raise absent(path)
        if stored.status != HTTPStatus.PRECONDITION_FAILED:
            return await _pass_on(request, reply.name, services, stored, stall_seconds)
        # 412 may come from ``If-Range``, which the storage gets as ``If-Match``. Then the whole is sent.
        whole = without_range(request.headers, wanted)
        if whole is None:
            message = "The artifact has changed: If-Match or If-Unmodified-Since does not match."
            raise HttpError(HTTPStatus.PRECONDITION_FAILED, message)
    async with storage.read(request.method, reply.url, whole) as stored:
        return await _pass_on(request, reply.name, services, stored, stall_seconds)


async def _pass_on(
    request: BaseRequest,
    name: str,
    services: ServiceClient,
    stored: aiohttp.ClientResponse,
    stall_seconds: float,
) -> StreamResponse:
    if stored.status == HTTPStatus.NOT_FOUND:
        raise absent(name)
    if stored.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        extent = {"Content-Range": stored.headers.get("Content-Range", "bytes */*")}
        raise HttpError(stored.status, "The artifact has no such range.", extent)
    if stored.status not in _WHOLE_OR_PART:
        raise await Storage.refusal(stored)
    headers = _headers(name, services, stored) | request.get(EXTRA_HEADERS, {})
    response = StreamResponse(status=stored.status, headers=headers)
    await response.prepare(request)
    if request.method != "HEAD" and stored.status != HTTPStatus.NOT_MODIFIED:
        await _copy(request, response, stored, stall_seconds)
    return response


def _headers(name: str, services: ServiceClient, stored: aiohttp.ClientResponse) -> dict[str, str]:
    copied = {name: stored.headers[name] for name in _COPIED if name in stored.headers}
    if stored.status == HTTPStatus.NOT_MODIFIED:
        copied.pop("Content-Length", None)
    return {
        **copied,
        "Accept-Ranges": "bytes",
        # An artifact may be replaced, so caches must revalidate it. If it is unchanged, that costs a 304.
        "Cache-Control": "no-cache",
        "Content-Disposition": attachment(name),
        "Content-Type": content_type(name),
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": services.request_id,
    }


async def _copy(
    request: BaseRequest,
    response: StreamResponse,
    stored: aiohttp.ClientResponse,
    stall_seconds: float,
) -> None:
    """Write each chunk to the client. If the storage fails meanwhile, the answer is broken off."""
    try:
        async for chunk in stored.content.iter_any():
            await write(response, chunk, stall_seconds)
            _OUTGOING.inc(len(chunk))
        await response.write_eof()
    except (
        aiohttp.ClientPayloadError,
        aiohttp.ClientOSError,
        TimeoutError,
        TooSlowError,
    ) as error:
        _log.warning("download_broken", path=request.path, reason=repr(error))
        raise break_off(request) from error
