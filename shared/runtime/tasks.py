"""Cancels tasks."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 5.0
"""Wait before a task that has not ended is cancelled again."""


async def cancel_and_wait(
    tasks: Iterable["asyncio.Task[Any]"], again_seconds: float = AGAIN_SECONDS
) -> None:
    """Cancel tasks, and wait until they have ended, with or without an error."""
    # One cancellation may not be enough. In the middle of a call to RabbitMQ, aio-pika may raise another
    # error in place of CancelledError, and a loop that continues after errors would never end.
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=again_seconds)
        for task in done:
            if not task.cancelled():
                # Reading the exception prevents asyncio's log line "exception was never retrieved".
                task.exception()
