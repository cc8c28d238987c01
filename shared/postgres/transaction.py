"""The context of a handler on PostgreSQL: reads and writes in a transaction.

The executor (``shared.postgres.executor``) begins and commits the transaction, one for a whole frame. A
handler only sees the part of its own command.
"""

from dataclasses import dataclass
from typing import Any

from asyncpg import Record

from shared.handling.context import Context
from shared.postgres.connection import AnyConnection


@dataclass(slots=True, kw_only=True)
class Transaction(Context):
    """One command's part of a transaction.

    Stores read through ``fetch…`` and write through ``write…``, which sets ``writes``. If a command is
    refused after it has written, its writes must be undone: the executor then rolls the frame back and
    runs its commands one by one.
    """

    connection: AnyConnection

    async def fetch(self, sql: str, *values: Any) -> list[Record]:
        """Read rows."""
        return await self.connection.fetch(sql, *values)

    async def fetch_row(self, sql: str, *values: Any) -> Record | None:
        """Read one row, or None."""
        return await self.connection.fetchrow(sql, *values)

    async def fetch_value(self, sql: str, *values: Any) -> Any:
        """Read the first column of the first row, or None."""
        return await self.connection.fetchval(sql, *values)

    async def write(self, sql: str, *values: Any) -> None:
        """Execute a statement that writes."""
        self.writes = True
        await self.connection.execute(sql, *values)

    async def write_row(self, sql: str, *values: Any) -> Record | None:
        """Execute a statement that writes, and return the first row of RETURNING, or None.

        Without a row nothing counts as written: for example ``UPDATE … WHERE`` found no row.
        """
        row = await self.connection.fetchrow(sql, *values)
        self.writes = self.writes or row is not None
        return row
