"""A search as one statement a page: what the searches of every noun have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast

import asyncpg

from shared.mlflow.search import keyset
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.page_token import KeyValue, Search, decode_token, encode_token
from shared.mlflow.search.sql import Bindings

Id = TypeVar("Id")


@dataclass(frozen=True, slots=True)
class Page(Generic[Id]):
    """Some ids in order; no token after the last page."""

    items: Sequence[Id]
    next_page_token: str | None = None


class Connection(Protocol):
    """The part of an asyncpg connection, or of a pool, that a search needs."""

    async def fetch(self, query: str, /, *args: object) -> list[asyncpg.Record]:
        """Return the rows of a statement."""


@dataclass(slots=True)
class Statement:
    """A search that is being composed; `source` is what stands after FROM.

    `column` is the id that the search returns. Joins must not multiply rows.
    """

    column: str
    source: str
    bindings: Bindings = field(default_factory=Bindings)
    conditions: list[str] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)

    def where(self, condition: str) -> None:
        """Add a condition, all of which must hold."""
        self.conditions.append(condition)

    def compose(self, limit: int) -> str:
        """Return the text of the statement."""
        return (
            f"SELECT {self.column}, {keyset.select_list(self.terms)}\n"
            f"FROM {self.source}\n"
            f"WHERE {' AND '.join(self.conditions)}\n"
            f"ORDER BY {keyset.order_list(self.terms)}\n"
            f"LIMIT {self.bindings.add(limit, 'bigint')}"
        )


async def fetch_page(
    connection: Connection,
    statement: Statement,
    search: Search,
    page_token: str | None,
    max_results: int,
) -> Page[KeyValue]:
    """Run a search for the page after a token.

    One row more than the page holds is asked for, only to learn whether there is a next page.
    """
    key = decode_token(search, page_token, keyset.types(statement.terms))
    if key is not None:
        statement.where(keyset.after(statement.terms, key, statement.bindings))
    text = statement.compose(max_results + 1)
    rows = await connection.fetch(text, *statement.bindings.values)
    items = [row[0] for row in rows[:max_results]]
    if len(rows) <= max_results:
        return Page(items)
    last = cast("Sequence[KeyValue]", rows[max_results - 1])
    return Page(items, encode_token(search, keyset.key_of(last, statement.terms)))
