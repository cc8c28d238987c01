"""Answers that are sent while they are still being received: writing them, and breaking them off."""

import asyncio

from aiohttp.web import BaseRequest, StreamResponse

from services.gateway.http.requests import TooSlowError


async def write(response: StreamResponse, chunk: bytes | memoryview, stall_seconds: float) -> None:
    """Write a chunk, and wait while the client's socket is full. Raises TooSlowError after ``stall_seconds``."""
    try:
        async with asyncio.timeout(stall_seconds):
            await response.write(chunk)
    except TimeoutError:
        raise TooSlowError(f"The client has taken nothing for {stall_seconds:g} s.") from None


def break_off(request: BaseRequest) -> ConnectionResetError:
    """Abort the client's connection, and return the error to raise.

    The status is sent already. So a body that does not end as its headers say is the only way to show an error.
    """
    if request.transport is not None:
        request.transport.abort()
    return ConnectionResetError("The answer was broken off.")
