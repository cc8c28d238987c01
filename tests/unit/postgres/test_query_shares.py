"""A pool of eight connections: six for queries, five for those of a project, four for those of one kind."""

import asyncio

from shared.contracts.message import Query
from shared.postgres.query_shares import QueryShares


class Search(Query):
    service = "toy"


class Get(Query):
    service = "toy"


class Users:
    """The queries that have asked for a connection; ``running`` are those that have one."""

    def __init__(self, connections=8):
        self.shares = QueryShares(connections)
        self.running = []
        self._end = {}

    async def start(self, *queries):
        tasks = []
        for query in queries:
            tasks.append(asyncio.create_task(self._use(*query)))
            await turns()
        return tasks

    async def _use(self, project, kind):
        await self.shares.take(project, kind)
        query = (project, kind)
        self.running.append(query)
        end = asyncio.Event()
        self._end.setdefault(query, []).append(end)
        try:
            await end.wait()
        finally:
            self.running.remove(query)
            self.shares.give_back(project, kind)

    async def end(self, project, kind):
        self._end[project, kind].pop(0).set()
        await turns()


async def turns():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_kind_leaves_room_for_another_and_one_project_for_another():
    users = Users()
    await users.start(*[(1, Search)] * 6)
    assert users.running == [(1, Search)] * 4
    await users.start((1, Get), (1, Get))
    assert users.running == [*[(1, Search)] * 4, (1, Get)]
    await users.start((2, Search), (2, Search))
    assert users.running == [*[(1, Search)] * 4, (1, Get), (2, Search)]


async def test_kinds_that_wait_take_turns():
    users = Users()
    await users.start(*[(1, Search)] * 7, (1, Get), (1, Get), (1, Get))
    assert users.running == [*[(1, Search)] * 4, (1, Get)]
    await users.end(1, Search)
    assert users.running[-1] == (1, Search)
    await users.end(1, Search)
    assert users.running[-1] == (1, Get)
    await users.end(1, Search)
    assert users.running[-1] == (1, Search)


async def test_cancelled_query_gives_its_turn_to_another():
    users = Users()
    *_, waiting, _next = await users.start(*[(1, Search)] * 6)
    waiting.cancel()
    await turns()
    await users.end(1, Search)
    assert users.running == [(1, Search)] * 4
    [granted] = await users.start((1, Search))
    await users.end(1, Search)
    # Cancelled between its turn and the moment when it runs.
    shares = QueryShares(2)
    await shares.take(1, Search)
    task = asyncio.create_task(shares.take(1, Search))
    await turns()
    shares.give_back(1, Search)
    task.cancel()
    await turns()
    assert task.cancelled()
    async with asyncio.timeout(1):
        await shares.take(1, Search)
    assert not granted.done()


async def test_smallest_pool_still_answers():
    users = Users(connections=2)
    await users.start((1, Search), (1, Get), (2, Get))
    assert users.running == [(1, Search)]
    await users.end(1, Search)
    await users.end(1, Get)
    assert users.running == [(2, Get)]
