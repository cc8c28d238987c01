"""The page that a search returns, and the connection that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import asyncpg

Id = TypeVar("Id")


@dataclass(frozen=True, slots=True)
class Page(Generic[Id]):
    """The ids of one page, in order. The last page has no token."""

    items: Sequence[Id]
    next_page_token: str | None = None


class Connection(Protocol):
    """The part of an asyncpg connection, or of a pool, that a search needs."""

    async def fetch(self, query: str, /, *args: object) -> list[asyncpg.Record]:
        """Return the rows of a statement."""
