"""Composes the one statement that fetches a page of a search. The searches of all nouns use it."""

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
    """The ids of one page, in order. The last page has no token."""

    items: Sequence[Id]
    next_page_token: str | None = None


class Connection(Protocol):
    """The part of an asyncpg connection, or of a pool, that a search needs."""

    async def fetch(self, query: str, /, *args: object) -> list[asyncpg.Record]:
        """Return the rows of a statement."""


@dataclass(slots=True)
class Statement:
    """A search that is being composed.

    `column` is the id that the search returns. `source` is the text after FROM; its joins must not
    multiply rows.
    """

    column: str
    source: str
    bindings: Bindings = field(default_factory=Bindings)
    conditions: list[str] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)

    def where(self, condition: str) -> None:
        """Add a condition. A row is found if all conditions hold."""
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
    """Run a search and return the page after a token, or the first page if there is no token.

    The statement asks for one row more than the page holds, to know whether there is a next page.
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
