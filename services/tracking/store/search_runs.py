"""Searches runs: finds a page of run ids.

Most searches end with the first statement: it walks through an index that has the order of the search, and compares
each run on the way, until the page is full. If few runs are found on the way, the walk is ended. Then the search
starts from the clause that the fewest runs satisfy, if those are few, and otherwise from the runs that all clauses have
in common. So no search reads the whole of what is stored, however it is filtered and ordered (ADR 63 names those that
do).
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast
from uuid import UUID

import asyncpg

from services.tracking.store import run_conditions, run_pages, run_sets, run_walks
from services.tracking.store.run_pages import RunSearch
from services.tracking.store.run_sets import Scope
from services.tracking.store.search import parse_experiment_id
from shared.contracts.runs import SearchRuns
from shared.contracts.views import ViewType
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity
from shared.mlflow.search.grammars import RUNS
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import KeyValue, Search, decode_token, encode_token
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, Composed
from shared.mlflow.search.statement import Page


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a search reads before it tries another way."""

    walked: int = 400
    """Runs that are compared in the order of the search. So many cost as much as a statement that starts from sets,
    which PostgreSQL has to plan each time."""

    walked_pages: int = 4
    """The same in pages; the larger of both counts. A filter that a fourth of the runs satisfy needs no more."""

    driven: int = 3_000
    """Runs of the clause that a search starts from."""


class Connection(Protocol):
    """The part of an asyncpg connection that a search needs."""

    async def fetch(self, query: str, /, *args: object) -> list[asyncpg.Record]:
        """Return the rows of a statement."""

    async def execute(self, query: str, /) -> str:
        """Execute a statement."""

    def is_in_transaction(self) -> bool:
        """Tell whether a transaction is under way."""

    def transaction(self, *, isolation: Any, readonly: bool) -> AbstractAsyncContextManager[Any]:
        """Begin a transaction."""


async def search_run_ids(
    connection: Connection, project: int, query: SearchRuns, budget: Budget | None = None
) -> Page[UUID]:
    """Return a page of run ids, by default newest first.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client, even if it names no
    experiments.
    """
    limit = check_max_results(query.max_results)
    source = Search("runs", query.filter or "", tuple(query.order_by))
    comparisons = parse_filter(source.filter, RUNS)
    orders = parse_order_by(source.order_by, RUNS)
    experiments = [parse_experiment_id(value) for value in query.experiment_ids]
    if not experiments:
        return Page([])
    scope = Scope(project, list(dict.fromkeys(experiments)))
    # One row more than the page holds, to know whether there is a next page.
    search = RunSearch(scope, query.run_view_type, comparisons, orders, limit + 1)
    if query.page_token:
        key = decode_token(source, query.page_token, keyset.types(search.terms))
        search = replace(search, after=key)
    found = await _find(connection, source, search, budget or Budget())
    ids = [cast("UUID", row[0]) for row in found[:limit]]
    if len(found) <= limit:
        return Page(ids)
    last = cast("Sequence[KeyValue]", found[limit - 1][1:-1])
    return Page(ids, encode_token(source, tuple(last)))


async def _find(
    connection: Connection, source: Search, search: RunSearch, budget: Budget
) -> Sequence[asyncpg.Record]:
    rows_walked = max(budget.walked, budget.walked_pages * search.limit)
    walk = run_walks.walk(source, search, rows_walked) if rows_walked else None
    if walk is not None:
        rows, whole = _until_stop(await _fetch(connection, walk))
        if len(rows) == search.limit or (whole and _finds_all(search)):
            return rows
    # The statements must see the same: a run that is folded between two of them could be missed.
    snapshot = (
        nullcontext()
        if connection.is_in_transaction()
        else connection.transaction(isolation="repeatable_read", readonly=True)
    )
    async with snapshot:
        return await _from_sets(connection, search, budget)


def _finds_all(search: RunSearch) -> bool:
    """Tell whether a walk to the end has seen every run that the search finds.

    A walk through the values of a key does not see the runs without a value, nor NaN.
    """
    order = search.orders[0] if search.orders else None
    if order is None or order.entity is Entity.ATTRIBUTE:
        return True
    without = (
        (Comparator.IS_NULL, Comparator.NE)
        if order.entity is Entity.METRIC
        else (Comparator.IS_NULL,)
    )
    return any(
        (each.entity, each.key) == (order.entity, order.key) and each.comparator not in without
        for each in search.comparisons
    )


async def _from_sets(
    connection: Connection, search: RunSearch, budget: Budget
) -> Sequence[asyncpg.Record]:
    # Values matter to the plans of these statements, as sets may be of any size.
    # Sets are read from indexes alone: a bitmap, or an index that lies as the table does, would read the table.
    await connection.execute(
        "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_bitmapscan = off;"
        " SET LOCAL random_page_cost = 1.1"
    )
    smallest, few, lifecycles = await _smallest_set(connection, search, budget)
    if few:
        found = run_pages.from_sets(search, smallest) if smallest else None
        return await _found(connection, search, found)
    # All joins of this statement are between large sets, but the look-ups, which have no other way.
    await connection.execute("SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'")
    found = run_pages.from_sets(search, search.comparisons, lifecycles=lifecycles)
    return await _found(connection, search, found)


async def _found(
    connection: Connection, search: RunSearch, found: Composed | None
) -> Sequence[asyncpg.Record]:
    """Return what a statement finds, or what comparing all runs finds if the statement can't tell."""
    if found is not None:
        rows, whole = _until_stop(await _fetch(connection, found))
        if whole or len(rows) == search.limit:
            return rows
    await connection.execute("SET LOCAL enable_nestloop = on")
    return await _fetch(connection, run_pages.plain(search))


async def _smallest_set(
    connection: Connection, search: RunSearch, budget: Budget
) -> tuple[Sequence[Comparison], bool, bool]:
    """Return the clauses with the smallest set, whether that is small, and whether a join of all needs lifecycles.

    No clause means that the set of all runs of the experiments is the smallest.
    """
    bindings = Bindings()
    narrow = [
        group
        for group in run_conditions.by_key(search.comparisons)
        if any(map(run_sets.is_narrow, group))
    ]
    scope = search.scope
    sets = [scope.runs(bindings)]
    sets += [run_sets.candidates(each, scope, bindings) or "" for each in narrow]
    sets.append(
        f"SELECT FROM runs s WHERE s.project_id = {scope.bind_project(bindings)} AND s.deleted"
    )
    most = bindings.add(budget.driven + 1, "bigint")
    counted = ", ".join(f"(SELECT count(*) FROM ({each} LIMIT {most}) n)" for each in sets)
    (row,) = await _fetch(connection, Composed.of(f"SELECT {counted}", bindings))
    *counts, deleted = row
    index = min(range(len(counts)), key=lambda each: counts[each])
    smallest = narrow[index - 1] if index else ()
    many_deleted = deleted > budget.driven
    lifecycles = search.view is ViewType.DELETED_ONLY or (
        search.view is ViewType.ACTIVE_ONLY and many_deleted
    )
    return smallest, counts[index] <= budget.driven, lifecycles


async def _fetch(connection: Connection, statement: Composed) -> list[asyncpg.Record]:
    return await connection.fetch(statement.text, *statement.values)


def _until_stop(rows: Sequence[asyncpg.Record]) -> tuple[Sequence[asyncpg.Record], bool]:
    """Return the rows before the first one that stops, and whether those are all."""
    for index, row in enumerate(rows):
        if row["stop"]:
            return rows[:index], False
    return rows, True
