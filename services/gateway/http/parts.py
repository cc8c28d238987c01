"""Forwards requests whose answer may be too long for one message: it comes in parts, and leaves as one JSON text."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import structlog
from aiohttp.web import BaseRequest, Response, StreamResponse

from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import required_permission
from services.gateway.http.endpoint import Endpoint
from services.gateway.http.fields import overlay_of
from services.gateway.http.forward import JSON_HEADERS, body_reader, error_response
from services.gateway.http.origins import EXTRA_HEADERS
from services.gateway.http.requests import read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.http.streams import break_off, write
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.mlflow.parts import Part
from shared.runtime import log_context
from shared.runtime.tasks import cancel_and_wait

CHUNK_BYTES = 256 * 1024
"""Bytes that a client must take within the stall timeout."""

_log = structlog.get_logger(__name__)

Ask = Callable[[str], Awaitable[Part]]
"""Returns the part that a continuation leads to. Raises DomainError."""


def forward_in_parts(endpoint: Endpoint, bus: Bus, mount: Mount, settings: Settings) -> Handler:
    """Make the handler of an endpoint whose service may answer in parts.

    An answer of one part is sent as any other. So is an error before the first byte. A later error breaks the
    connection, so that no client takes an incomplete answer for a complete one.
    """
    contract = endpoint.contract
    authenticate, dialect = mount.authenticator_for(required_permission(contract)), mount.dialect
    read, overlay = body_reader(endpoint, dialect, settings), overlay_of(contract)

    async def handle(request: BaseRequest, _parameters: Parameters) -> StreamResponse:
        request_id = read_request_id(request.headers, new_id().hex)
        log_context.request_id.set(request_id)
        try:
            caller = await authenticate(request)
            # A client can't choose where its answer begins.
            payload = overlay.put(await read(request), {"continuation": None})
            services = ServiceClient(
                bus, caller, dialect.name, request_id, settings.request_timeout
            )
            first = Part.decode(await services.forward(contract, payload))
        except Exception as error:
            return error_response(error, request, request_id, dialect)
        headers = {**JSON_HEADERS, "X-Request-Id": request_id}
        if first.continuation is None:
            return Response(body=first.text, headers=headers)

        async def ask(continuation: str) -> Part:
            asked = overlay.put(payload, {"continuation": continuation})
            return Part.decode(await services.forward(contract, asked))

        response = StreamResponse(headers=headers | request.get(EXTRA_HEADERS, {}))
        await response.prepare(request)
        if request.method == "HEAD":
            # A client would take a body for the start of the connection's next answer.
            return response
        await _send(request, response, _texts(first, ask), settings.http.stall_timeout)
        return response

    return handle


async def _texts(part: Part, ask: Ask) -> AsyncGenerator[bytes, None]:
    """Yield the texts of all parts. The next part is asked for while one is written, so two are in memory."""
    while part.continuation is not None:
        following = asyncio.ensure_future(ask(part.continuation))
        try:
            yield part.text
            part = await following
        finally:
            await cancel_and_wait([following])
    yield part.text


async def _send(
    request: BaseRequest,
    response: StreamResponse,
    texts: AsyncGenerator[bytes, None],
    stall_seconds: float,
) -> None:
    try:
        async with aclosing(texts):
            async for text in texts:
                view = memoryview(text)
                for start in range(0, len(view), CHUNK_BYTES):
                    await write(response, view[start : start + CHUNK_BYTES], stall_seconds)
        await response.write_eof()
    except ConnectionError:
        raise  # The client has gone.
    except Exception as error:
        _log.warning("answer_broken_off", path=request.path, reason=repr(error))
        raise break_off(request) from error
