"""Runs a search in every way that it knows, and counts the pages that it reads."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.mlflow.search.bounded import Budget
from shared.mlflow.search.statement import Page
from tests.explaining import Explaining, Reader, pages_read

ANY = 10**6
PLAIN = Budget(driven=0, walked=0, shared=0, pages=0)
"""Compares every row, in its order."""

WAYS = {
    "as it is": Budget(),
    "from the smallest set": Budget(driven=ANY),
    "by a walk": Budget(driven=0, walked=ANY, pages=0),
    "by a short walk, then from all sets": Budget(driven=0, walked=3, shared=ANY, pages=0),
    "by a short walk, then all": Budget(driven=0, walked=3, shared=0, pages=0),
}

Run = Callable[[Any, str | None, Budget], Awaitable[Page[Any]]]
"""Runs one search: on a connection, after a page token, within a budget."""


async def all_pages(reader: Reader, run: Run, budget: Budget) -> list[Any]:
    """Return what all pages of a search hold."""
    found: list[Any] = []
    token: str | None = None
    while True:
        page = await run(reader, token, budget)
        found += page.items
        token = page.next_page_token
        if token is None:
            return found


async def differing_ways(reader: Reader, run: Run) -> list[str]:
    """Return the ways that don't find what comparing every row finds."""
    expected = await all_pages(reader, run, PLAIN)
    return [
        name for name, budget in WAYS.items() if await all_pages(reader, run, budget) != expected
    ]


async def most_pages(reader: Reader, runs: Sequence[tuple[str, Run]]) -> list[tuple[int, str]]:
    """Return the pages of 8 kB that the first page of each search reads, and its name, the most first."""
    found = []
    for name, run in runs:
        explaining = Explaining(reader)
        await run(explaining, None, Budget())
        found.append((sum(map(pages_read, explaining.plans)), name))
    return sorted(found, reverse=True)
