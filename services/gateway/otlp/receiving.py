"""Receives the body of an OTLP request: of bounded size and time, inflated, within the room that the gateway has."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

from aiohttp.web import BaseRequest

from services.gateway.dialects.refusal import HttpError
from services.gateway.http.content_encoding import encoding_of, inflated
from services.gateway.http.requests import TooSlowError, say_continue
from services.gateway.otlp.room import Lease


async def receive(request: BaseRequest, max_bytes: int, seconds: float, lease: Lease) -> bytes:
    """Return the body, which may take ``seconds`` to arrive.

    Raises DomainError: HttpError 413 beyond the limit and 415 for an unknown encoding, REQUEST_LIMIT_EXCEEDED without
    room, BAD_REQUEST for a body that is not compressed as announced. Raises TooSlowError and RequestPayloadError.
    """
    encoding = encoding_of(request)
    announced = request.content_length or 0
    if announced > max_bytes:
        raise _too_large(max_bytes)
    # What is announced is taken at once, so that requests under way do not all fail near their end.
    lease.take(announced)
    if "Expect" in request.headers:
        await say_continue(request)
    body = bytearray()
    arriving = _arriving(request)
    try:
        async with asyncio.timeout(seconds):
            async for piece in inflated(arriving, encoding) if encoding else arriving:
                if len(body) + len(piece) > max_bytes:
                    raise _too_large(max_bytes)
                lease.take(max(len(body) + len(piece) - max(len(body), announced), 0))
                body += piece
    except TimeoutError:
        raise TooSlowError(f"The body did not arrive within {seconds:g} s.") from None
    return bytes(body)


async def _arriving(request: BaseRequest) -> AsyncIterator[bytes]:
    while chunk := await request.content.readany():
        yield chunk


def _too_large(limit: int) -> HttpError:
    message = f"OTLP requests must be at most {limit} bytes, inflated. Send smaller batches."
    return HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
