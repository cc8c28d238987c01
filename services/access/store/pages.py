"""A page of a list, and how long the list is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from asyncpg import Record

from shared.contracts.accounts import Paged
from shared.postgres.transaction import Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageOf(Generic[T]):
    """``total`` counts the items of all pages."""

    items: Sequence[T]
    total: int


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a list that is wanted."""

    limit: int
    offset: int

    @classmethod
    def of(cls, query: Paged) -> "Slice":
        """Return the page that is asked for."""
        return cls(query.limit, query.offset)


ONE = Slice(1, 0)


async def fetch_page(
    tx: Transaction, sql: str, values: Sequence[Any], part: Slice, make: Callable[[Record], T]
) -> PageOf[T]:
    """Read a page by a statement that ends with LIMIT and OFFSET, its last two values.

    Each of its rows has the column ``total``. A page past the end has no row to tell it, so that the
    first one is asked.
    """
    rows = await tx.fetch(sql, *values, part.limit, part.offset)
    told = rows or (await tx.fetch(sql, *values, ONE.limit, ONE.offset) if part.offset else [])
    return PageOf([make(row) for row in rows], told[0]["total"] if told else 0)
