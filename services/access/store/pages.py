"""A page of a list, and how long the list is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from asyncpg import Record

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageOf(Generic[T]):
    """``total`` counts the items of all pages; a page past the end doesn't know, and says 0."""

    items: Sequence[T]
    total: int

    @classmethod
    def read(cls, rows: Sequence[Record], make: Callable[[Record], T]) -> "PageOf[T]":
        """Read rows that all have the column ``total``."""
        return cls([make(row) for row in rows], rows[0]["total"] if rows else 0)
