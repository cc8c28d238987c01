"""The work that queries defer runs one after another, and each name once at a time."""

import asyncio
from typing import Any, cast

from asyncpg import Pool, Record

from shared.postgres.deferred import Backlog

POOL = cast("Pool[Record]", object())


async def test_work_of_one_name_runs_once_at_a_time() -> None:
    ran: list[str] = []
    go = asyncio.Event()

    async def work(_pool: Any) -> None:
        await go.wait()
        ran.append("a")

    backlog = Backlog(POOL)
    backlog.add({"a": work})
    backlog.add({"a": work})
    go.set()
    await backlog.finish()
    assert ran == ["a"]
    backlog.add({"a": work})
    await backlog.finish()
    assert ran == ["a", "a"]


async def test_failing_work_does_not_stop_other_work() -> None:
    ran: list[str] = []

    async def failing(_pool: Any) -> None:
        raise OSError

    async def work(_pool: Any) -> None:
        ran.append("b")

    backlog = Backlog(POOL)
    backlog.add({"a": failing, "b": work})
    await backlog.finish()
    assert ran == ["b"]


async def test_work_beyond_the_limit_is_left_out_and_closing_cancels() -> None:
    async def work(_pool: Any) -> None:
        await asyncio.Event().wait()

    backlog = Backlog(POOL, limit=1)
    backlog.add({"a": work, "b": work})
    assert len(backlog._tasks) == 1
    await backlog.close()
    assert not backlog._tasks
