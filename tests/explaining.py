"""A connection that keeps the plans of what is read through it."""

import re
from typing import Any, Protocol

from asyncpg import Record


class Reader(Protocol):
    """A connection or a pool."""

    async def fetch(self, query: str, /, *args: object) -> list[Record]:
        """Read rows."""


class Explaining:
    """Runs a search and keeps its plan, with the pages that it read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.plans: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def fetch(self, query: str, /, *args: object) -> list[Record]:
        rows = await self._reader.fetch(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {query}", *args)
        self.plans.append("\n".join(row[0] for row in rows))
        return await self._reader.fetch(query, *args)


class ExplainingPrepared(Explaining):
    """Keeps the plan that PostgreSQL makes without knowing the values, as it does for Warren's connections.

    The reader is one connection: a prepared statement is its own.
    """

    async def fetch(self, query: str, /, *args: object) -> list[Record]:
        await self._reader.fetch(f"PREPARE explained AS {query}")
        values = f"({', '.join(map(_literal, args))})" if args else ""
        rows = await self._reader.fetch(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE explained{values}"
        )
        self.plans.append("\n".join(row[0] for row in rows))
        await self._reader.fetch("DEALLOCATE explained")
        return await self._reader.fetch(query, *args)


def _literal(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"ARRAY[{', '.join(map(_literal, value))}]" if value else "'{}'"
    return "'" + str(value).replace("'", "''") + "'" if isinstance(value, str) else str(value)


def pages_read(plan: str) -> int:
    """Return how many pages of 8 kB a statement touched, each as often as it did."""
    buffers = next(line for line in plan.splitlines() if "Buffers:" in line)
    return sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", buffers))
