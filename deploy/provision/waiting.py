"""Waits for a server that is still starting."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from shared.runtime.starting import StartError, reason_of

PAUSE_SECONDS = 1.0
"""Between two attempts."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Server:
    """A server to prepare, as error messages name it."""

    name: str
    settings: str
    """The settings that hold its addresses, as words."""

    not_ready: tuple[type[Exception], ...]
    """Errors of a server that is starting or overloaded; provisioning tries again."""


async def until_ready(
    server: Server,
    work: Callable[[], Awaitable[None]],
    seconds: float,
    pause_seconds: float = PAUSE_SECONDS,
) -> None:
    """Do a piece of work, again after a pause while the server is not ready. Raises StartError after ``seconds``."""
    last_error = ""
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await work()
                except server.not_ready as error:
                    last_error = reason_of(error)
                    log.info("server_not_ready", server=server.name, error=last_error)
                    await asyncio.sleep(pause_seconds)
    except TimeoutError:
        reason = f" ({last_error})" if last_error else ""
        raise StartError(
            f"{server.name} did not answer within {seconds:.0f} s{reason}; {server.settings}"
        ) from None
