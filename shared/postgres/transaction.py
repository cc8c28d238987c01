"""What a handler gets of the database.

The executor (``shared.postgres.executor``) owns the transaction: it begins and commits it, one for
a whole frame. A handler only ever sees its own command's view of it.
"""

from dataclasses import dataclass
from typing import Any

from asyncpg import Record

from shared.handling.context import Context
from shared.postgres.connection import AnyConnection


@dataclass(slots=True, kw_only=True)
class Transaction(Context):
    """One command's view of the transaction.

    ``writes`` tells the executor that a refusal comes too late to keep the frame: what this command
    wrote must be undone, so the frame rolls back and its commands run one by one. Stores therefore
    write through ``write…`` and read through ``fetch…``.
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
        """Write."""
        self.writes = True
        await self.connection.execute(sql, *values)

    async def write_row(self, sql: str, *values: Any) -> Record | None:
        """Write, and return the first row of RETURNING, or None.

        Without a row nothing counts as written: ``UPDATE … WHERE`` found nothing.
        """
        row = await self.connection.fetchrow(sql, *values)
        self.writes = self.writes or row is not None
        return row
