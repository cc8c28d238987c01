"""Searches traces: finds a page of their ids.

The rules are those of ``search_traces`` in MLflow's SQL store. A trace without a tag satisfies no comparison with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import asyncpg

from services.traces.experiments import parse_experiment_id
from services.traces.validation import SOURCE_RUN, TRACE_NAME
from shared.contracts.errors import invalid
from shared.contracts.traces import SearchTraces, SearchTracesV3
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity, OrderBy, Value
from shared.mlflow.search.bounded import Budget, Clause, Listing, Text, Wanted, fetch_bounded
from shared.mlflow.search.candidates import (
    Source,
    integer_set,
    is_narrow,
    long_text_set,
    text_set,
)
from shared.mlflow.search.grammars import TRACES
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_text, exists
from shared.mlflow.search.statement import Connection, Page

DEFAULT_PAGE = 100
LARGEST_PAGE = 500

_COLUMNS: Final = {
    "timestamp_ms": "t.request_time",
    "execution_time_ms": "t.execution_duration",
    "end_time_ms": "(t.request_time + coalesce(t.execution_duration, 0))",
    "status": "t.state",
    "request_id": "t.trace_id",
    "client_request_id": "t.client_request_id",
    "experiment_id": "t.experiment_id",
}
_KINDS: Final = {Entity.TAG: "tag", Entity.METADATA: "metadata"}
_LABELS: Final = {
    "name": (Entity.TAG, TRACE_NAME),
    "run_id": (Entity.METADATA, SOURCE_RUN),
}
"""Attributes that MLflow stores as a tag or as metadata."""

_INDEXED: Final = frozenset({"timestamp_ms", "status", "request_id", "client_request_id"})
_OF_TRACE: Final = "f.project_id = t.project_id AND f.trace_id = t.trace_id"


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
    comparisons = [_replaced(each) for each in parse_filter(query.filter, TRACES)]
    orders = [_order(each) for each in parse_order_by(query.order_by, TRACES)]
    scope = Scope(project, query.experiments)
    listing = Listing(
        table="traces",
        alias="t",
        key=("trace_id",),
        column="t.trace_id",
        scope=scope.condition,
        clauses=[_Comparing(scope, each).clause for each in comparisons],
        terms=_terms(orders),
        joins=lambda bindings: _joins(orders, bindings),
        walked=len(query.experiments) == 1 and _is_walked(orders),
    )
    search = Search("traces", query.filter, tuple(query.order_by))
    wanted = Wanted(search, query.page_token, limit)
    try:
        await _check_patterns(connection, comparisons)
        page = await fetch_bounded(connection, listing, wanted, budget)
    except asyncpg.InvalidRegularExpressionError as error:
        raise invalid(f"Invalid regular expression in the filter: {error}") from None
    return cast("Page[str]", page)


async def _check_patterns(connection: Connection, comparisons: Sequence[Comparison]) -> None:
    """Try each regular expression: without a row to compare, a search would accept a wrong one."""
    for each in comparisons:
        if each.comparator is Comparator.RLIKE:
            await connection.fetch("SELECT '' ~ $1", each.value)


@dataclass(frozen=True, slots=True)
class Scope:
    """The traces that a search may find: those of some experiments."""

    project: int
    experiments: Sequence[int]

    def condition(self, bindings: Bindings) -> str:
        """Return the condition on a trace."""
        return self.on("t", bindings)

    def on(self, alias: str, bindings: Bindings) -> str:
        """Return the condition on a table. For one experiment an index has the order."""
        project = bindings.add(self.project, "bigint")
        if len(self.experiments) == 1:
            wanted = f"{alias}.experiment_id = {bindings.add(self.experiments[0], 'bigint')}"
        else:
            wanted = f"{alias}.experiment_id = ANY({bindings.add(self.experiments, 'bigint[]')})"
        return f"{alias}.project_id = {project} AND {wanted}"


def _replaced(comparison: Comparison) -> Comparison:
    """Return a comparison of what is stored. Raises DomainError for what can't be searched yet."""
    entity, key = comparison.entity, comparison.key
    if entity in TRACES.untyped or (entity, key) == (Entity.ATTRIBUTE, "text"):
        shown = key if entity is Entity.ATTRIBUTE else f"{entity}.{key}"
        raise invalid(f"This server can't search traces by '{shown}' yet.", "filter")
    if (entity, key) == (Entity.ATTRIBUTE, "prompt"):
        _check_prompt(comparison)
    if entity is Entity.ATTRIBUTE and key in _LABELS:
        label, name = _LABELS[key]
        return Comparison(label, name, comparison.comparator, comparison.value)
    return comparison


def _check_prompt(comparison: Comparison) -> None:
    if comparison.comparator is not Comparator.EQ:
        raise invalid(
            f"Invalid comparator '{comparison.comparator}' for prompts filter. "
            "Only '=' is supported with format: prompt = \"name/version\""
        )
    if str(comparison.value).count("/") != 1:
        raise invalid(
            f"Invalid prompts filter value '{comparison.value}'. "
            'Expected format: prompt = "name/version"'
        )


@dataclass(frozen=True, slots=True)
class _Comparing:
    """A comparison of the traces of a scope, as SQL."""

    scope: Scope
    comparison: Comparison

    @property
    def clause(self) -> Clause:
        """Return the condition and the set."""
        entity, key = self.comparison.entity, self.comparison.key
        if (entity, key) == (Entity.ATTRIBUTE, "prompt"):
            return Clause(self._is_linked("prompt"), self._linked("prompt"))
        if (entity, key) == (Entity.METADATA, SOURCE_RUN) and self._is_equality:
            return Clause(self._is_of_run, self._of_run)
        if entity is not Entity.ATTRIBUTE:
            absent = self.comparison.comparator is Comparator.IS_NULL
            candidates = None if absent else self._labelled
            return Clause(self._has_label, candidates, is_narrow(self.comparison))
        if key not in _INDEXED:
            return Clause(self._attribute)
        return Clause(self._attribute, self._traces, is_narrow(self.comparison), _COLUMNS[key])

    @property
    def _is_equality(self) -> bool:
        return self.comparison.comparator is Comparator.EQ

    def _attribute(self, bindings: Bindings) -> str:
        key, comparator, value = _parts(self.comparison)
        compare = compare_integer if key in TRACES.numeric else compare_text
        return compare(_COLUMNS[key], comparator, value, bindings)

    def _traces(self, bindings: Bindings) -> str:
        key = self.comparison.key
        source = Source("traces t", "t.trace_id", self.scope.condition(bindings))
        find = integer_set if key in TRACES.numeric else text_set
        return find(source, _COLUMNS[key], self.comparison, bindings)

    def _has_label(self, bindings: Bindings) -> str:
        key, comparator, value = _parts(self.comparison)
        rows = (
            f"trace_labels f WHERE {_OF_TRACE} AND f.kind = '{_KINDS[self.comparison.entity]}'"
            f" AND f.key = {bindings.add(key, 'text')}"
        )
        if comparator is Comparator.IS_NULL:
            return f"NOT {exists(rows)}"
        if comparator is Comparator.IS_NOT_NULL:
            return exists(rows)
        return exists(f"{rows} AND {compare_text('f.value', comparator, value, bindings)}")

    def _labelled(self, bindings: Bindings) -> str:
        key = bindings.add(self.comparison.key, "text")
        kind = _KINDS[self.comparison.entity]
        scope = f"{self.scope.on('f', bindings)} AND f.kind = '{kind}' AND f.key = {key}"
        source = Source("trace_labels f", "f.trace_id", scope)
        return long_text_set(source, "f.value", self.comparison, bindings)

    def _is_linked(self, kind: str) -> Text:
        def condition(bindings: Bindings) -> str:
            key = bindings.add(self.comparison.value, "text")
            return exists(
                f"trace_labels f WHERE {_OF_TRACE} AND f.kind = '{kind}' AND f.key = {key}"
            )

        return condition

    def _linked(self, kind: str) -> Text:
        def candidates(bindings: Bindings) -> str:
            key = bindings.add(self.comparison.value, "text")
            return Source("trace_labels f", "f.trace_id", self.scope.on("f", bindings)).where(
                f"f.kind = '{kind}'", f"f.key = {key}", "char_length(f.value) < 250"
            )

        return candidates

    def _is_of_run(self, bindings: Bindings) -> str:
        """Compare the run in which a trace began, and those that it was linked to."""
        return f"({self._has_label(bindings)} OR {self._is_linked('run')(bindings)})"

    def _of_run(self, bindings: Bindings) -> str:
        return f"{self._labelled(bindings)} UNION ALL {self._linked('run')(bindings)}"


def _parts(comparison: Comparison) -> tuple[str, Comparator, Value]:
    return comparison.key, comparison.comparator, comparison.value


def _order(order: OrderBy) -> OrderBy:
    if order.entity is Entity.ATTRIBUTE and order.key in _LABELS:
        entity, key = _LABELS[order.key]
        return OrderBy(entity, key, order.ascending)
    return order


def _is_walked(orders: Sequence[OrderBy]) -> bool:
    """Tell whether an index has the order."""
    first = orders[0] if orders else None
    return first is None or (
        first.entity is Entity.ATTRIBUTE and first.key in ("timestamp_ms", "status")
    )


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
    column = _COLUMNS[key]
    if key == "execution_time_ms":
        return keyset.nullable_integer(column, ascending=ascending)
    if key in TRACES.numeric or key == "experiment_id":
        return keyset.integer(column, ascending=ascending)
    return keyset.c_text(column, ascending=ascending)


def _joins(orders: Sequence[OrderBy], bindings: Bindings) -> str:
    """Return joins to the tags and metadata to order by."""
    return "".join(
        f"\nLEFT JOIN trace_labels o{index} ON o{index}.project_id = t.project_id"
        f" AND o{index}.trace_id = t.trace_id AND o{index}.kind = '{_KINDS[order.entity]}'"
        f" AND o{index}.key = {bindings.add(order.key, 'text')}"
        for index, order in enumerate(orders)
        if order.entity is not Entity.ATTRIBUTE
    )
