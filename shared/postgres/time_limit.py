"""Cancels queries that take too long."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from shared.contracts.errors import DomainError, ErrorCode

log = structlog.get_logger()

T = TypeVar("T")


async def in_time(work: Awaitable[T], seconds: float) -> T:
    """Return the result of a query. Raises DomainError(TEMPORARILY_UNAVAILABLE) if it takes too long.

    A statement that is under way is cancelled in PostgreSQL, so that the connection is free at once.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        # PostgreSQL's driver raises the same error, for other reasons.
        if not limit.expired():
            raise
        log.warning("query_too_slow", seconds=seconds)
        text = f"The query took longer than {seconds:g} s and was cancelled. Narrow its filter, or ask for smaller pages."
        raise DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, text) from None
