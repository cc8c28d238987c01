"""The read index: the position that a standby must have replayed to show every acknowledged commit (ADR 67).

A client carries no token of what it wrote. So a query asks the primary for the end of its write-ahead log: whatever
was acknowledged before the query came, by whichever process, lies before that end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries

SQL = load_queries("shared.postgres.sql", "replicas")


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a primary's write-ahead log, in bytes, and the mark of that primary.

    Positions of primaries with different marks can't be compared.
    """

    lsn: int
    mark: str


class ReadIndex:
    """Asks the primary for its position, once for all queries that need it at the same time."""

    def __init__(self, connect: Callable[[], Awaitable[AnyConnection]], seconds: float) -> None:
        """``connect`` opens a connection to the primary. A look-up fails after ``seconds``."""
        # A connection of its own: in the pool it would wait behind the work that replicas are to relieve.
        self._connect = connect
        self._seconds = seconds
        self._connection: AnyConnection | None = None
        self._under_way: asyncio.Task[Position] | None = None
        self._next: asyncio.Task[Position] | None = None

    async def now(self) -> Position:
        """Return a position that the primary had after this call began.

        Raises the errors of UNANSWERED.
        """
        # A look-up that is under way may have read the position before this call began. The next one has not.
        if self._next is None:
            self._next = asyncio.create_task(self._look_up_after(self._under_way))
            self._next.add_done_callback(_seen)
        # Shielded: others wait for the same look-up.
        return await asyncio.shield(self._next)

    async def close(self) -> None:
        """Cancel look-ups and close the connection."""
        tasks = [each for each in (self._under_way, self._next) if each is not None]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._disconnect()

    async def _look_up_after(self, before: "asyncio.Task[Position] | None") -> Position:
        if before is not None:
            await asyncio.wait((before,))
        self._under_way, self._next = self._next, None
        try:
            async with asyncio.timeout(self._seconds):
                return await self._look_up()
        except BaseException:
            self._disconnect()
            raise

    async def _look_up(self) -> Position:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        row = await self._connection.fetchrow(SQL["position"].sql)
        if row is None:
            raise AssertionError  # It has no FROM that could be empty.
        if row["stored"] != row["mark"]:
            await self._connection.execute(SQL["store_mark"].sql, row["mark"])
        return Position(row["lsn"], row["mark"])

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


def _seen(task: "asyncio.Task[Position]") -> None:
    """Read the error of a look-up, which asyncio would log if no query waits for it any more."""
    if not task.cancelled():
        task.exception()


UNANSWERED = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # asyncpg raises it where a server dies while a connection is opened.
    asyncpg.InternalClientError,
)
"""A server did not answer, or answered with an error."""
