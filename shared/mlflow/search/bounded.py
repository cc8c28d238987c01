"""Finds a page without comparing every row: by sets, or by a walk.

1. The search counts the sets that an index leads straight to, up to a bound. If one is small, it compares the rows of
   the smallest.
2. Otherwise it walks through the index that has its order, and compares each row, up to a bound. A filter that is
   satisfied here and there fills the page soon.
3. Otherwise it reads the rows that all sets have in common, up to a bound.
4. Otherwise many rows satisfy the filter, but few of the first ones in the order. It walks on to the end.

Every page is the result of one statement. Those before it only decide which one.

A search with a condition that reads much of each row, such as a text in its content, walks in steps instead of 2 to 4.
When its time is over, the page has what was found so far, perhaps nothing, and its token continues there.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol, cast

import asyncpg

from shared.mlflow.search import keyset
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.page_token import KeyValue, Search, decode_token, encode_token
from shared.mlflow.search.sql import Bindings
from shared.mlflow.search.statement import Connection, Page

Text = Callable[[Bindings], str]
"""Writes a part of a statement, and binds its values to that statement."""


_ANY = 2**31
"""A bound that no set reaches."""

_LAST_OF_WALK_FOUND: Final = 2
"""The `stop` of the last row of a walk that satisfies the filter."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition on a row, and the set of the keys of all rows that satisfy it (``candidates``).

    - ``narrow``: an index leads straight to the set. Otherwise its rows are a selection from a longer part of an index.
    - ``on`` is the expression that is compared. If the order begins with it, a walk reads no other rows.
    - ``ordered_by`` is an expression by which an index orders the rows that satisfy the condition. If the order begins
      with it, a walk reads no other rows either.
    """

    condition: Text
    candidates: Text | None = None
    narrow: bool = True
    on: str = ""
    ordered_by: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A search that is parsed.

    - ``table`` is a table, ``alias`` its name in all conditions and terms, ``key`` the columns that identify a row
      of the scope, which are also the columns of the sets.
    - ``column`` is the expression that the search returns.
    - ``scope`` is the condition on all rows, which the indexes begin with.
    - ``joins`` follow the table; their rows belong to one row of the table each.
    - ``walked``: an index has the order of ``terms``.
    - ``ahead`` leads to the first rows of an order that only an index of another table has.
    - ``stepwise``: a condition is so expensive that a page may end before it is full.
    """

    table: str
    alias: str
    key: Sequence[str]
    column: str
    scope: Text
    clauses: Sequence[Clause]
    terms: Sequence[Term]
    joins: Text = lambda _: ""
    walked: bool = True
    ahead: "Ahead | None" = None
    stepwise: bool = False


class Ahead(Protocol):
    """The first rows of an order, by an index of another table."""

    def first(
        self, rows: int, after: Sequence[KeyValue] | None, bindings: Bindings
    ) -> tuple[str, str] | None:
        """Return the set of the first rows after a key, and the condition that a row of it precedes all others.

        None: what follows the key is not in the index.
        """


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a search reads before it tries another way."""

    driven: int = 3_000
    """Rows of the set that a search starts from."""

    walked: int = 3_000
    """Rows of a walk."""

    further: int = 1
    """How many times longer a walk may become if it has found so many rows that it will then fill the page."""

    shared: int = 20_000
    """Rows that all sets have in common."""

    pages: int = 4
    """The least size of each bound, in pages."""

    step: int = 100
    """Rows of the first step of a walk in steps. Each further step has twice as many, up to ``walked``."""

    seconds: float = 1.0
    """Time after which a walk in steps begins no further step."""

    def rows(self, bound: int, limit: int) -> int:
        """Return a bound for pages of so many rows."""
        return max(bound, self.pages * limit)


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A listing, the key that its page starts after, and its size."""

    listing: Listing
    after: Sequence[KeyValue] | None
    limit: int

    def plain(self) -> tuple[str, Bindings]:
        """Compare all rows, in their order."""
        each, bindings = self.listing, Bindings()
        source = f"{each.table} {each.alias}{each.joins(bindings)}"
        conditions = [*self._bounds(bindings), *(c.condition(bindings) for c in each.clauses)]
        return self._page(source, conditions, bindings), bindings

    def walk(self, rows: int) -> tuple[str, Bindings]:
        """Compare so many rows, in their order. The last one is returned in any case.

        Its `stop` is ``_LAST_OF_WALK_FOUND`` if it satisfies the filter, otherwise 1. That of other rows is 0.
        """
        each, bindings = self.listing, Bindings()
        columns = keyset.order_list(each.terms)
        bounds = self._bounds(bindings)
        first = each.terms[0].expression
        ordered = [clause for clause in each.clauses if first in (clause.on, clause.ordered_by)]
        bounds += [clause.condition(bindings) for clause in ordered]
        inner = (
            f"SELECT {each.alias}.*, {keyset.select_list(each.terms)}"
            f"\nFROM {each.table} {each.alias}{each.joins(bindings)}"
            f"\nWHERE {' AND '.join(bounds)}"
            f"\nORDER BY {columns} LIMIT {rows}"
        )
        keys = ", ".join(f"{each.alias}.k{index}" for index in range(len(each.terms)))
        others = [c.condition(bindings) for c in each.clauses if c not in ordered]
        compared = " AND ".join(others) or "true"
        text = (
            f"SELECT {each.column}, {keys}, CASE WHEN place < {rows} THEN 0"
            f" WHEN {compared} THEN {_LAST_OF_WALK_FOUND} ELSE 1 END AS stop\n"
            f"FROM (SELECT *, row_number() OVER (ORDER BY {columns}) AS place FROM ({inner}) w)"
            f" {each.alias}\n"
            f"WHERE place = {rows} OR ({compared})\n"
            f"ORDER BY {columns}\n"
            f"LIMIT {bindings.add(self.limit, 'bigint')}"
        )
        return text, bindings

    def count(self, sets: Sequence[Clause], most: int) -> tuple[str, Bindings]:
        """Count the sets, up to a number."""
        bindings = Bindings()
        counted = ", ".join(
            f"(SELECT count(*) FROM ({_candidates(each, bindings)} LIMIT {most}) n)"
            for each in sets
        )
        return f"SELECT {counted}", bindings

    def from_sets(self, sets: Sequence[Clause], most: int) -> tuple[str, Bindings]:
        """Compare the rows that all of the sets have, with the other clauses.

        If there are more of them than ``most``, one row is returned, as `stop`.
        """
        each, bindings = self.listing, Bindings()
        found = "\nINTERSECT\n".join(f"({_candidates(clause, bindings)})" for clause in sets)
        others = [c.condition(bindings) for c in each.clauses if c not in sets]
        return self._looked_up(found, others, most, bindings), bindings

    def ahead(self, rows: int) -> tuple[str, Bindings] | None:
        """Compare the first rows of an order by another table. They are a page only if they fill it."""
        each, bindings = self.listing, Bindings()
        first = each.ahead.first(rows, self.after, bindings) if each.ahead else None
        if first is None:
            return None
        found, precedes = first
        conditions = [precedes, *(clause.condition(bindings) for clause in each.clauses)]
        return self._looked_up(found, conditions, _ANY, bindings), bindings

    def _looked_up(
        self, found: str, conditions: Sequence[str], most: int, bindings: Bindings
    ) -> str:
        each = self.listing
        same = " AND ".join(f"{each.alias}.{name} = c.{name}" for name in each.key)
        # OFFSET 0 as in `exists`: each row is looked up by its key.
        row = (
            f"SELECT * FROM {each.table} {each.alias}"
            f" WHERE {each.scope(bindings)} AND {same} OFFSET 0"
        )
        stop = f"(SELECT count(*) > {most} FROM found)"
        source = (
            f"(SELECT * FROM found LIMIT CASE WHEN {stop} THEN 1 END) c"
            f"\nLEFT JOIN LATERAL ({row}) {each.alias} ON true{each.joins(bindings)}"
        )
        compared = " AND ".join([*self._bounds(bindings), *conditions])
        return (
            f"WITH found AS MATERIALIZED"
            f" (SELECT DISTINCT {', '.join(each.key)} FROM ({found}) s LIMIT {most + 1})\n"
            f"{self._page(source, [f'({stop} OR ({compared}))'], bindings, stop)}"
        )

    def _bounds(self, bindings: Bindings) -> list[str]:
        bounds = [self.listing.scope(bindings)]
        if self.after is not None:
            bounds.append(keyset.after(self.listing.terms, self.after, bindings))
        return bounds

    def _page(
        self, source: str, conditions: Sequence[str], bindings: Bindings, stop: str = "false"
    ) -> str:
        terms = self.listing.terms
        return (
            f"SELECT {self.listing.column}, {keyset.select_list(terms)}, {stop} AS stop\n"
            f"FROM {source}\n"
            f"WHERE {' AND '.join(conditions)}\n"
            f"ORDER BY {keyset.order_list(terms)}\n"
            f"LIMIT {bindings.add(self.limit, 'bigint')}"
        )


def _candidates(clause: Clause, bindings: Bindings) -> str:
    if clause.candidates is None:
        message = "The clause has no set."
        raise ValueError(message)
    return clause.candidates(bindings)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The page of a search that a client wants: the one after a token, or the first if there is no token."""

    search: Search
    page_token: str | None
    max_results: int


async def fetch_bounded(
    connection: Connection, listing: Listing, wanted: Wanted, budget: Budget | None = None
) -> Page[KeyValue]:
    """Run a search and return a page."""
    key = decode_token(wanted.search, wanted.page_token, keyset.types(listing.terms))
    size = wanted.max_results
    # One row more than the page holds, to know whether there is a next page.
    bounded = _Bounded(listing, key, size + 1)
    rows, walked_to = await _find(connection, bounded, budget or Budget())
    items = [cast("KeyValue", row[0]) for row in rows[:size]]
    last = _key(rows[size - 1]) if len(rows) > size else walked_to
    return Page(items, encode_token(wanted.search, last) if last else None)


async def _find(connection: Connection, bounded: _Bounded, budget: Budget) -> "_Found":
    if bounded.listing.stepwise:
        small = await _from_small_set(connection, bounded, budget)
        return _Found(small) if small is not None else await _step(connection, bounded, budget)
    return _Found(await _find_all(connection, bounded, budget))


class _Found(NamedTuple):
    """The rows of a page and one more, if there is one; or the key where a walk has ended before its page was full."""

    rows: Sequence[asyncpg.Record]
    walked_to: tuple[KeyValue, ...] | None = None


def _key(row: asyncpg.Record) -> tuple[KeyValue, ...]:
    return tuple(cast("Sequence[KeyValue]", row[1:-1]))


async def _step(connection: Connection, bounded: _Bounded, budget: Budget) -> _Found:
    """Walk in steps until the page is full, or the time is over."""
    end = time.monotonic() + budget.seconds
    found: list[asyncpg.Record] = []
    rows, after = budget.step, bounded.after
    while True:
        wanted = replace(bounded, after=after, limit=bounded.limit - len(found))
        step = await _fetch(connection, wanted.walk(rows))
        if not _stops(step):
            return _Found([*found, *step])
        last = step[-1]
        found += step if last["stop"] == _LAST_OF_WALK_FOUND else step[:-1]
        after = _key(last)
        if len(found) == bounded.limit:
            return _Found(found)
        if time.monotonic() >= end:
            return _Found(found, after)
        rows = min(2 * rows, budget.walked)


async def _find_all(
    connection: Connection, bounded: _Bounded, budget: Budget
) -> Sequence[asyncpg.Record]:
    listing = bounded.listing
    if not listing.clauses and listing.walked:
        return await _fetch(connection, bounded.plain())
    small = await _from_small_set(connection, bounded, budget)
    if small is not None:
        return small
    # Without clauses most of the first rows are on the page.
    first = budget.walked if listing.clauses else 0
    if budget.walked and (ahead := bounded.ahead(budget.rows(first, bounded.limit))):
        rows = await _fetch(connection, ahead)
        if len(rows) == bounded.limit:
            return rows
    if listing.walked and budget.walked:
        walked = await _walk(connection, bounded, budget)
        if walked is not None:
            return walked
    if sets := _sets(listing):
        most = budget.rows(budget.shared, bounded.limit)
        rows = await _fetch(connection, bounded.from_sets(sets, most))
        if not _stops(rows):
            return rows
    return await _fetch(connection, bounded.plain())


async def _walk(
    connection: Connection, bounded: _Bounded, budget: Budget
) -> Sequence[asyncpg.Record] | None:
    """Compare the first rows of the order, and further ones if these promise to fill the page; None if they do not."""
    walked = budget.rows(budget.walked, bounded.limit)
    rows = await _fetch(connection, bounded.walk(walked))
    if not _stops(rows):
        return rows
    if budget.further == 1 or budget.further * len(rows) < bounded.limit:
        return None
    rows = await _fetch(connection, bounded.walk(budget.further * walked))
    return None if _stops(rows) else rows


async def _from_small_set(
    connection: Connection, bounded: _Bounded, budget: Budget
) -> Sequence[asyncpg.Record] | None:
    """Compare the rows of the smallest set that an index leads straight to; None if no set is small."""
    narrow = [clause for clause in _sets(bounded.listing) if clause.narrow]
    if not narrow:
        return None
    driven = budget.rows(budget.driven, bounded.limit)
    (counts,) = await _fetch(connection, bounded.count(narrow, driven + 1))
    smallest = min(range(len(narrow)), key=lambda index: cast("int", counts[index]))
    if counts[smallest] > driven:
        return None
    return await _fetch(connection, bounded.from_sets([narrow[smallest]], _ANY))


def _sets(listing: Listing) -> list[Clause]:
    return [clause for clause in listing.clauses if clause.candidates is not None]


def _stops(rows: Sequence[asyncpg.Record]) -> bool:
    return bool(rows) and bool(rows[-1]["stop"])


async def _fetch(connection: Connection, statement: tuple[str, Bindings]) -> list[asyncpg.Record]:
    text, bindings = statement
    return await connection.fetch(text, *bindings.values)
