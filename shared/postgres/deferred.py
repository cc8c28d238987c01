"""Runs the work that queries defer, one piece after another."""

import asyncio
from collections.abc import Mapping
from functools import partial

import structlog
from asyncpg import Pool, Record

from shared.postgres.transaction import DeferredWork
from shared.runtime.tasks import cancel_and_wait

log = structlog.get_logger()


class Backlog:
    """The work that waits or runs, by name. It takes one connection at a time, whatever the queries ask for."""

    def __init__(self, pool: "Pool[Record]", limit: int = 1_000) -> None:
        """Work beyond ``limit`` is left out."""
        self._pool = pool
        self._limit = limit
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    def add(self, works: Mapping[str, DeferredWork]) -> None:
        """Run each work in its turn, unless one of its name waits or runs."""
        for name, work in works.items():
            if name not in self._tasks and len(self._tasks) < self._limit:
                task = asyncio.create_task(self._run(name, work), name=name)
                self._tasks[name] = task
                task.add_done_callback(partial(self._forget, name))

    def _forget(self, name: str, _task: asyncio.Task[None]) -> None:
        del self._tasks[name]

    async def _run(self, name: str, work: DeferredWork) -> None:
        async with self._turn:
            try:
                await work(self._pool)
            except Exception:
                log.exception("deferred_work_failed", work=name)

    async def finish(self) -> None:
        """Wait until all work is done."""
        await asyncio.gather(*self._tasks.values())

    async def close(self) -> None:
        """Cancel all work."""
        await cancel_and_wait(self._tasks.values())
