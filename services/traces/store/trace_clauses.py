"""The filters of traces: the conditions that they are, and the sets that indexes lead to.

The rules are those of ``search_traces`` in MLflow's SQL store. A trace without a tag satisfies no comparison with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from services.traces.store.assessment_clauses import (
    AssessmentComparison,
    check_issue,
    issue_clause,
)
from services.traces.store.scope import Scope
from services.traces.store.span_clauses import SpanClauses, checked, is_of_span, resolved
from services.traces.store.states import one_of, satisfying
from services.traces.validation import SOURCE_RUN, TRACE_NAME
from shared.contracts.errors import invalid
from shared.contracts.traces import TraceState
from shared.mlflow.search.ast import Comparator, Comparison, Entity, Value
from shared.mlflow.search.bounded import Clause, Text
from shared.mlflow.search.candidates import (
    Source,
    integer_set,
    is_narrow,
    long_text_set,
    text_set,
)
from shared.mlflow.search.grammars import TRACES
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_text, exists
from shared.mlflow.search.statement import Connection

COLUMNS: Final = {
    "timestamp_ms": "t.request_time",
    "execution_time_ms": "t.execution_duration",
    "end_time_ms": "(t.request_time + coalesce(t.execution_duration, 0))",
    "status": "t.state",
    "request_id": "t.trace_id",
    "client_request_id": "t.client_request_id",
    "experiment_id": "t.experiment_id",
}
KINDS: Final = {Entity.TAG: "tag", Entity.METADATA: "metadata"}
LABELS: Final = {
    "name": (Entity.TAG, TRACE_NAME),
    "run_id": (Entity.METADATA, SOURCE_RUN),
}
"""Attributes that MLflow stores as a tag or as metadata."""

_OF_TRACE: Final = "f.project_id = t.project_id AND f.trace_id = t.trace_id"


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """The clauses of a filter. ``is_expensive``: the content of spans must be read."""

    clauses: Sequence[Clause]
    is_expensive: bool = False


async def read_filter(connection: Connection, scope: Scope, text: str) -> TraceFilter:
    """Return the clauses of a filter for the traces of a scope.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    comparisons = [_replaced(each) for each in parse_filter(text, TRACES)]
    await _check_patterns(connection, comparisons)
    of_spans = [each for each in comparisons if each.entity is Entity.SPAN]
    spans = SpanClauses(scope, of_spans, await resolved(connection, scope, of_spans))
    others = [_clause(scope, each) for each in comparisons if each not in of_spans]
    return TraceFilter([*others, *spans.clauses()], spans.is_expensive)


def _clause(scope: Scope, comparison: Comparison) -> Clause:
    if comparison.entity is Entity.ISSUE:
        return issue_clause(scope, comparison)
    if comparison.entity in TRACES.measured:
        return AssessmentComparison(scope, comparison).clause
    return TraceComparison(scope, comparison).clause


async def _check_patterns(connection: Connection, comparisons: Sequence[Comparison]) -> None:
    """Try each regular expression: without a row to compare, a search would accept a wrong one."""
    try:
        for each in comparisons:
            if each.comparator is Comparator.RLIKE:
                await connection.fetch("SELECT '' ~ $1", each.value)
    except asyncpg.InvalidRegularExpressionError as error:
        raise invalid(f"Invalid regular expression in the filter: {error}") from None


def _replaced(comparison: Comparison) -> Comparison:
    """Return a comparison of what is stored. Raises DomainError for what can't be searched."""
    entity, key = comparison.entity, comparison.key
    if is_of_span(comparison):
        return checked(comparison)
    if entity is Entity.ISSUE:
        check_issue(key)
    if (entity, key) == (Entity.ATTRIBUTE, "prompt"):
        _check_prompt(comparison)
    if entity is Entity.ATTRIBUTE and key in LABELS:
        label, name = LABELS[key]
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
class TraceComparison:
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
        by_time = self._states is not None and len(self._states) == 1
        return Clause(
            self._attribute,
            self._traces,
            is_narrow(self.comparison),
            on=COLUMNS[key],
            ordered_by=COLUMNS["timestamp_ms"] if by_time else "",
        )

    @property
    def _is_equality(self) -> bool:
        return self.comparison.comparator is Comparator.EQ

    @property
    def _states(self) -> list[str] | None:
        """The states that satisfy the comparison; None if it is no comparison with a state, or a pattern."""
        if self.comparison.key != "status":
            return None
        return satisfying(self.comparison, [each.value for each in TraceState])

    def _attribute(self, bindings: Bindings) -> str:
        key, comparator, value = _parts(self.comparison)
        if self._states is not None:
            return one_of(COLUMNS[key], self._states)
        compare = compare_integer if key in TRACES.numeric else compare_text
        return compare(COLUMNS[key], comparator, value, bindings)

    def _traces(self, bindings: Bindings) -> str:
        key = self.comparison.key
        scope, column = self.scope.condition(bindings), COLUMNS[key]
        if self._states is not None:
            source = Source("traces t", "t.trace_id", scope)
            return " UNION ALL ".join(
                source.where(one_of(column, [each])) for each in self._states or [""]
            )
        if key == "execution_time_ms":
            # The columns of the index of durations.
            scope, column = f"{scope} AND ({column} IS NULL)::int = 0", f"coalesce({column}, 0)"
        find = integer_set if key in TRACES.numeric else text_set
        return find(Source("traces t", "t.trace_id", scope), column, self.comparison, bindings)

    def _has_label(self, bindings: Bindings) -> str:
        key, comparator, value = _parts(self.comparison)
        rows = (
            f"trace_labels f WHERE {_OF_TRACE} AND f.kind = '{KINDS[self.comparison.entity]}'"
            f" AND f.key = {bindings.add(key, 'text')}"
        )
        if comparator is Comparator.IS_NULL:
            return f"NOT {exists(rows)}"
        if comparator is Comparator.IS_NOT_NULL:
            return exists(rows)
        return exists(f"{rows} AND {compare_text('f.value', comparator, value, bindings)}")

    def _labelled(self, bindings: Bindings) -> str:
        key = bindings.add(self.comparison.key, "text")
        kind = KINDS[self.comparison.entity]
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
