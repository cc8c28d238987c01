"""Cancels tasks, and keeps a set of the tasks at work."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 5.0
"""Wait before a task that has not ended is cancelled again."""


async def cancel_and_wait(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks, and wait until they have ended, with or without an error."""
    # One cancellation may not be enough. In the middle of a call to RabbitMQ, aio-pika may raise another
    # error in place of CancelledError, and a loop that continues after errors would never end.
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
        for task in done:
            if not task.cancelled():
                # Reading the exception prevents asyncio's log line "exception was never retrieved".
                task.exception()


class Busy:
    """Keeps the current task in a set while a block runs."""

    def __init__(self, tasks: set[asyncio.Task[None]]) -> None:
        self._tasks = tasks
        self._task = asyncio.current_task()

    def __enter__(self) -> None:
        """Add the task."""
        if self._task:
            self._tasks.add(self._task)

    def __exit__(self, *_: object) -> None:
        """Remove the task."""
        if self._task:
            self._tasks.discard(self._task)
