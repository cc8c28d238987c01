"""How many connections of a pool queries may take, so that slow ones do not hold up others."""

import asyncio
from collections import deque

from shared.contracts.message import Message

_Kind = tuple[int, type[Message]]
"""A project, and a kind of query."""


class QueryShares:
    """The shares of a pool's connections.

    Commands use the same pool: a fourth of it is left to them. Of what queries have, a fourth is left to other
    projects than the busiest; of what a project has, a fourth to other queries than its most frequent kind. So a run
    is read at once while searches of its project fill their share.
    """

    def __init__(self, connections: int) -> None:
        self._most = _most_of(connections)
        self._most_of_project = _most_of(self._most)
        self._most_of_kind = _most_of(self._most_of_project)
        self._taken = 0
        self._taken_by: dict[int | _Kind, int] = {}
        self._waiting: dict[_Kind, deque[asyncio.Future[None]]] = {}

    async def take(self, project: int, query: type[Message]) -> None:
        """Wait until a query may take a connection. ``give_back`` must follow."""
        kind = (project, query)
        if self._has_room(kind):
            self._add(kind, 1)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(kind, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back(project, query)
            raise

    def give_back(self, project: int, query: type[Message]) -> None:
        """End the use of a connection. The next query that has room takes it."""
        self._add((project, query), -1)
        for kind in [*self._waiting]:
            if self._taken == self._most:
                return
            if not self._has_room(kind):
                continue
            # A kind that gets a turn goes to the end, so the kinds that wait take turns.
            turns = self._waiting.pop(kind)
            while turns and self._has_room(kind):
                turn = turns.popleft()
                if not turn.done():  # Else its query was cancelled.
                    self._add(kind, 1)
                    turn.set_result(None)
            if turns:
                self._waiting[kind] = turns

    def _has_room(self, kind: _Kind) -> bool:
        return (
            self._taken < self._most
            and self._taken_by.get(kind[0], 0) < self._most_of_project
            and self._taken_by.get(kind, 0) < self._most_of_kind
        )

    def _add(self, kind: _Kind, number: int) -> None:
        self._taken += number
        for key in (kind[0], kind):
            taken = self._taken_by.get(key, 0) + number
            if taken:
                self._taken_by[key] = taken
            else:
                del self._taken_by[key]


def _most_of(connections: int) -> int:
    """Return the number without a fourth of it, rounded, and at least one less than all; at least 1."""
    return max(1, connections - max(1, connections // 4))
