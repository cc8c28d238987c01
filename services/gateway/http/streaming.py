"""Writes an answer of unknown length to the client, chunk by chunk."""

from collections.abc import AsyncIterator, Mapping

import structlog
from aiohttp.web import BaseRequest, Response, StreamResponse

from services.gateway.http.origins import EXTRA_HEADERS
from services.gateway.http.requests import TooSlowError
from services.gateway.http.streams import break_off, write
from shared.contracts.errors import DomainError

WHOLE_UP_TO = 1_000_000
"""Bytes of an answer that is sent whole, with its length. It may still be refused before."""

_log = structlog.get_logger(__name__)


async def stream(
    request: BaseRequest,
    chunks: AsyncIterator[bytes],
    headers: Mapping[str, str],
    stall_seconds: float,
) -> StreamResponse:
    """Answer with the chunks. The next one is asked for after the client has taken the one before.

    Raises DomainError if the first megabyte can't be had. Later errors break the connection, so that no client takes
    what it has got for the whole.
    """
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) > WHOLE_UP_TO:
            break
    else:
        return Response(body=bytes(held), headers=headers)
    response = StreamResponse(headers={**headers, **request.get(EXTRA_HEADERS, {})})
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await write(response, bytes(held), stall_seconds)
        async for chunk in chunks:
            await write(response, chunk, stall_seconds)
        await response.write_eof()
    except (DomainError, TooSlowError) as error:
        _log.warning("answer_broken_off", path=request.path, reason=repr(error))
        raise break_off(request) from error
    return response
