"""The context of a handler on PostgreSQL: reads and writes in a transaction.

The transaction is one of a whole frame (``shared.postgres.frame_transactions``). A handler only sees the part of
its own command.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from asyncpg import Pool, Record

from shared.handling.context import Context
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import Statement

DeferredWork = Callable[["Pool[Record]"], Awaitable[object]]
"""Work that a query defers until after its answer. It takes connections from the pool."""


@dataclass(slots=True, kw_only=True)
class Transaction(Context):
    """One command's part of a transaction.

    Each statement says itself whether it writes, which sets ``has_written``. If a command is refused after it
    has written, its writes must be undone: the executor then rolls the frame back and runs its commands
    one by one.
    """

    connection: AnyConnection
    deferred: dict[str, DeferredWork] = field(default_factory=dict)

    def defer(self, name: str, work: DeferredWork) -> None:
        """Run work after a query's answer, on connections of its own.

        It is lost if the process ends, and left out while work of the same name waits or runs. So it must
        be work that can be left out: what makes later queries faster.
        """
        self.deferred[name] = work

    async def rows(self, statement: Statement, *values: Any) -> list[Record]:
        """Execute a statement and return its rows."""
        rows = await self.connection.fetch(statement.sql, *values)
        self._note(statement, found=bool(rows))
        return rows

    async def row(self, statement: Statement, *values: Any) -> Record | None:
        """Execute a statement and return its first row, or None."""
        row = await self.connection.fetchrow(statement.sql, *values)
        self._note(statement, found=row is not None)
        return row

    async def value(self, statement: Statement, *values: Any) -> Any:
        """Execute a statement and return the first column of its first row, or None."""
        value = await self.connection.fetchval(statement.sql, *values)
        self._note(statement, found=value is not None)
        return value

    async def execute(self, statement: Statement, *values: Any) -> None:
        """Execute a statement that returns nothing."""
        await self.connection.execute(statement.sql, *values)
        self._note(statement, found=True)

    def _note(self, statement: Statement, *, found: bool) -> None:
        """Set ``has_written`` if a statement has written.

        A statement that writes and returns rows returns one if it has changed anything: without a row,
        its ``WHERE`` found none.
        """
        if statement.writes and found:
            self.has_written = True
