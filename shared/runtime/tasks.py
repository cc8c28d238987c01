"""Tasks that are to end now."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 5.0


async def cancel_and_wait(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks and return when they have ended, however that was.

    One cancellation is not enough: where it comes in the middle of a call to RabbitMQ, aio-pika may
    raise another error in its place, and a loop that goes on after errors would go on for ever.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
        for task in done:
            if not task.cancelled():
                task.exception()  # Or asyncio would say that nobody looked at it.


class Busy:
    """Registers the current task in a set while a block runs."""

    def __init__(self, tasks: set[asyncio.Task[None]]) -> None:
        self._tasks = tasks
        self._task = asyncio.current_task()

    def __enter__(self) -> None:
        """Begin."""
        if self._task:
            self._tasks.add(self._task)

    def __exit__(self, *_: object) -> None:
        """End."""
        if self._task:
            self._tasks.discard(self._task)
