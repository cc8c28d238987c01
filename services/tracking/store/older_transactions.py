"""Waits for transactions that are older than a commit, and so may not have seen it.

A statement names the transactions that are at work. Those that it names right after the commit are the older ones.
"""

import asyncio
import math
from collections.abc import Sequence
from time import monotonic
from typing import Any, Protocol

from shared.postgres.queries import Statement


class Connection(Protocol):
    """A connection, or a pool of them."""

    async def fetch(self, query: str) -> Sequence[Any]:
        """Return the rows of a query."""


async def at_work(connection: Connection, statement: Statement) -> frozenset[str]:
    """Return the transactions that a statement names."""
    return frozenset(row[0] for row in await connection.fetch(statement.sql))


async def have_ended(
    transactions: frozenset[str],
    connection: Connection,
    statement: Statement,
    pause: float,
    seconds: float = math.inf,
) -> bool:
    """Wait until transactions have ended, checking after each ``pause``; return whether they did within ``seconds``."""
    give_up = monotonic() + seconds
    while transactions:
        transactions &= await at_work(connection, statement)
        if not transactions or monotonic() >= give_up:
            break
        await asyncio.sleep(pause)
    return not transactions
