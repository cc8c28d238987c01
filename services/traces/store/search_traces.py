"""Searches traces: finds a page of their ids, by the rules of ``search_traces`` in MLflow's SQL store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from services.traces.experiments import parse_experiment_id
from services.traces.store.scope import Scope
from services.traces.store.trace_clauses import COLUMNS, KINDS, LABELS, read_filter
from shared.contracts.traces import SearchTraces, SearchTracesV3
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Entity, OrderBy
from shared.mlflow.search.bounded import Budget, Listing, Wanted, fetch_bounded
from shared.mlflow.search.grammars import TRACES
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.sql import Bindings
from shared.mlflow.search.statement import Connection, Page

_ORDERED: Final = frozenset({"timestamp_ms", "execution_time_ms", "end_time_ms", "status"})
"""Attributes whose order an index has."""

BUDGET: Final = Budget(further=4)
"""A trace that is compared costs a look at its spans, whichever way it was found; a longer walk finds the newest ones."""

DEFAULT_PAGE = 100
LARGEST_PAGE = 500


@dataclass(frozen=True, slots=True)
class Searched:
    """A search for traces, from either version's request."""

    experiments: Sequence[int]
    filter: str
    order_by: Sequence[str]
    max_results: int | None
    page_token: str | None

    @classmethod
    def of(cls, query: SearchTraces | SearchTracesV3, experiment_ids: Sequence[str]) -> "Searched":
        """Return the search of a request for some experiments. Raises DomainError for an id that is no number."""
        experiments = list(dict.fromkeys(map(parse_experiment_id, experiment_ids)))
        return cls(
            experiments, query.filter or "", query.order_by, query.max_results, query.page_token
        )


async def search_trace_ids(
    connection: Connection, project: int, query: Searched, budget: Budget | None = None
) -> Page[str]:
    """Return a page of trace ids, by default newest first.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = check_max_results(query.max_results, DEFAULT_PAGE, LARGEST_PAGE)
    orders = [_order(each) for each in parse_order_by(query.order_by, TRACES)]
    scope = Scope(project, query.experiments)
    found = await read_filter(connection, scope, query.filter)
    listing = Listing(
        table="traces",
        alias="t",
        key=("trace_id",),
        column="t.trace_id",
        scope=scope.condition,
        clauses=found.clauses,
        terms=_terms(orders),
        joins=lambda bindings: _joins(orders, bindings),
        walked=len(query.experiments) == 1 and _is_walked(orders),
        stepwise=found.is_expensive,
    )
    search = Search("traces", query.filter, tuple(query.order_by))
    wanted = Wanted(search, query.page_token, limit)
    page = await fetch_bounded(connection, listing, wanted, budget or BUDGET)
    return cast("Page[str]", page)


def _order(order: OrderBy) -> OrderBy:
    if order.entity is Entity.ATTRIBUTE and order.key in LABELS:
        entity, key = LABELS[order.key]
        return OrderBy(entity, key, order.ascending)
    return order


def _is_walked(orders: Sequence[OrderBy]) -> bool:
    """Tell whether an index has the order."""
    first = orders[0] if orders else None
    return first is None or (first.entity is Entity.ATTRIBUTE and first.key in _ORDERED)


def _terms(orders: Sequence[OrderBy]) -> list[Term]:
    """Return the ordering terms: the requested ones, then newest first, then the trace id."""
    terms: list[Term] = []
    for index, order in enumerate(orders):
        if order.entity is not Entity.ATTRIBUTE:
            terms += keyset.text(f"o{index}.value", ascending=order.ascending)
            continue
        terms += _column(order.key, ascending=order.ascending)
        # Trace ids are unique, so later terms have no effect.
        if order.key == "request_id":
            return terms
    if not any((each.entity, each.key) == (Entity.ATTRIBUTE, "timestamp_ms") for each in orders):
        terms += _column("timestamp_ms", ascending=False)
    return [*terms, *_column("request_id", ascending=True)]


def _column(key: str, *, ascending: bool) -> tuple[Term, ...]:
    column = COLUMNS[key]
    if key == "execution_time_ms":
        return keyset.nullable_integer(column, ascending=ascending)
    if key in TRACES.numeric or key == "experiment_id":
        return keyset.integer(column, ascending=ascending)
    return keyset.c_text(column, ascending=ascending)


def _joins(orders: Sequence[OrderBy], bindings: Bindings) -> str:
    """Return joins to the tags and metadata to order by."""
    return "".join(
        f"\nLEFT JOIN trace_labels o{index} ON o{index}.project_id = t.project_id"
        f" AND o{index}.trace_id = t.trace_id AND o{index}.kind = '{KINDS[order.entity]}'"
        f" AND o{index}.key = {bindings.add(order.key, 'text')}"
        for index, order in enumerate(orders)
        if order.entity is not Entity.ATTRIBUTE
    )
