"""Pages of a list, with the list's length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from asyncpg import Record

from shared.contracts.accounts import Paged
from shared.postgres.queries import Statement
from shared.postgres.transaction import Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageOf(Generic[T]):
    """A page of items; ``total`` counts the items of all pages."""

    items: Sequence[T]
    total: int


@dataclass(frozen=True, slots=True)
class LimitOffset:
    """The position of a page in a list."""

    limit: int
    offset: int

    @classmethod
    def of(cls, query: Paged) -> "LimitOffset":
        """Return the position of the page that a query asks for."""
        return cls(query.limit, query.offset)


ONE = LimitOffset(1, 0)


async def fetch_page(
    tx: Transaction,
    statement: Statement,
    values: Sequence[Any],
    bounds: LimitOffset,
    make: Callable[[Record], T],
) -> PageOf[T]:
    """Return the page of a statement that ends with LIMIT and OFFSET, its last two placeholders.

    Each row has a column ``total``. A page past the end has no rows and so no total; the first row is read for it
    then.
    """
    rows = await tx.rows(statement, *values, bounds.limit, bounds.offset)
    counted = rows or (
        await tx.rows(statement, *values, ONE.limit, ONE.offset) if bounds.offset else []
    )
    return PageOf([make(row) for row in rows], counted[0]["total"] if counted else 0)
