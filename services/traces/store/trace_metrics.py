"""Computes figures over traces, spans and assessments, as MLflow does on PostgreSQL.

Percentiles are interpolated (``percentile_cont``). A range of times is that of the traces, for costs that of the spans.
Groups are in the order of their times and dimensions, by code points. Beyond ``max_results`` there is another page,
where MLflow has none.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import asyncpg

from services.traces.store.metric_filters import MetricFilter, read_metric_filter
from services.traces.store.metric_views import (
    DIMENSIONS,
    TIME_BUCKET,
    Metric,
    find_metric,
    label,
)
from services.traces.store.scope import Scope
from services.traces.store.trace_clauses import TraceComparison
from services.traces.validation import SESSION, TRACE_NAME
from shared.contracts.errors import invalid
from shared.contracts.trace_metrics import (
    AggregationType,
    MetricAggregation,
    MetricDataPoint,
    MetricViewType,
    QueryTraceMetrics,
    QueryTraceMetricsReply,
)
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity
from shared.mlflow.search.candidates import SHORT, compare_indexed
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.page_token import KeyValue, Search, decode_token, encode_token
from shared.mlflow.search.sql import Bindings
from shared.mlflow.search.statement import Connection

DEFAULT_PAGE: Final = 1_000
LARGEST_PAGE: Final = 10_000
LONGEST_INTERVAL: Final = 9_000_000_000
"""Seconds of a time bucket, whose nanoseconds are a bigint: 285 years."""

_BIGINT: Final = 2**63 - 1
_TO_NANOSECONDS: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENTITIES: Final = {
    "status": Entity.ATTRIBUTE,
    "tag": Entity.TAG,
    "metadata": Entity.METADATA,
}
_VIEWS: Final = {"span": MetricViewType.SPANS, "assessment": MetricViewType.ASSESSMENTS}
_MODELS: Final = frozenset({"span_model_name", "span_model_provider"})


async def query_metrics(
    connection: Connection, project: int, query: QueryTraceMetrics, experiments: Sequence[int]
) -> QueryTraceMetricsReply:
    """Return a page of figures. Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client."""
    limit = check_max_results(query.max_results, DEFAULT_PAGE, LARGEST_PAGE)
    dimensions = list(dict.fromkeys(query.dimensions))
    metric = find_metric(query.view_type, query.metric_name, query.aggregations, dimensions)
    interval = _interval(query)
    filters = [read_metric_filter(each) for each in query.filters]
    figures = _Figures(Scope(project, experiments), query, metric, dimensions, interval)
    statement = figures.statement(filters, limit + 1)
    rows = await connection.fetch(statement, *figures.bindings.values)
    points = (figures.point(row) for row in rows[:limit])
    token = figures.token(rows[limit - 1]) if len(rows) > limit else None
    return QueryTraceMetricsReply(
        data_points=[each for each in points if each is not None], next_page_token=token
    )


def _interval(query: QueryTraceMetrics) -> int | None:
    seconds = query.time_interval_seconds
    if not seconds:
        return None
    if query.start_time_ms is None or query.end_time_ms is None:
        raise invalid("start_time_ms and end_time_ms are required if time_interval_seconds is set")
    if not 0 < seconds <= LONGEST_INTERVAL:
        message = f"It must be a positive integer of at most {LONGEST_INTERVAL}"
        raise invalid(
            f"Invalid value {seconds} for parameter 'time_interval_seconds' supplied. {message}",
            "time_interval_seconds",
        )
    return seconds


class _Rows(NamedTuple):
    """The rows that are aggregated: what stands after FROM and after WHERE."""

    source: str
    conditions: list[str]


@dataclass(slots=True)
class _Figures:
    """A request for figures, as one statement."""

    scope: Scope
    query: QueryTraceMetrics
    metric: Metric
    dimensions: Sequence[str]
    interval: int | None
    bindings: Bindings = field(default_factory=Bindings)

    def statement(self, filters: Sequence[MetricFilter], limit: int) -> str:
        """Return the statement of a page. Its columns are the groups' terms, then the aggregations."""
        rows = self._rows(filters)
        terms = self._terms()
        after = decode_token(self._search, self.query.page_token, keyset.types(terms))
        if after is not None:
            rows.conditions.append(keyset.after(terms, after, self.bindings))
        columns = [f"{term.expression} AS k{index}" for index, term in enumerate(terms)]
        columns += [self._aggregate(each) for each in self.query.aggregations]
        groups = ", ".join(f"k{index}" for index in range(len(terms)))
        grouped = f"\nGROUP BY {groups}\nORDER BY {groups}" if terms else ""
        return (
            f"SELECT {', '.join(columns)}\nFROM {rows.source}\n"
            f"WHERE {' AND '.join(rows.conditions)}{grouped}\nLIMIT {limit}"
        )

    def _rows(self, filters: Sequence[MetricFilter]) -> _Rows:
        view = self.query.view_type
        for each in filters:
            if each.view != "trace" and _VIEWS[each.view] is not view:
                supported = f"Filtering by {each.view} is only supported for {_VIEWS[each.view]}"
                raise invalid(f"{supported} view type, got {view}")
        if view is MetricViewType.TRACES:
            return self._traces(filters)
        return self._spans(filters) if view is MetricViewType.SPANS else self._assessments(filters)

    @property
    def _search(self) -> Search:
        asked = self.query.model_dump(mode="json", exclude={"page_token", "max_results"})
        return Search("trace metrics", json.dumps(asked, sort_keys=True), ())

    def _terms(self) -> list[Term]:
        terms: list[Term] = []
        if self.interval:
            terms += keyset.integer(self._bucket(self.interval), ascending=True)
        for each in self.dimensions:
            terms += keyset.c_text(f'({DIMENSIONS[each]} COLLATE "C")', ascending=True)
        return terms

    def _bucket(self, seconds: int) -> str:
        """Return the begin of a row's bucket, in milliseconds. No time is before 1970."""
        if self.query.view_type is MetricViewType.SPANS:
            size = seconds * 1_000 * _TO_NANOSECONDS
            return f"((s.start_time - s.start_time % {size}) / {_TO_NANOSECONDS})"
        return f"(t.request_time - t.request_time % {seconds * 1_000})"

    def _aggregate(self, aggregation: MetricAggregation) -> str:
        value = self.metric.expression
        if aggregation.aggregation_type is AggregationType.COUNT:
            # Rows without a value are left out already.
            counted = value if value.startswith("DISTINCT") else "*"
            return f"count({counted})::double precision"
        if aggregation.aggregation_type is AggregationType.PERCENTILE:
            percent = self.bindings.add(aggregation.percentile_value, "double precision")
            return f"percentile_cont({percent} / 100) WITHIN GROUP (ORDER BY {value})"
        return f"{aggregation.aggregation_type}({value})::double precision"

    def _traces(self, filters: Sequence[MetricFilter]) -> _Rows:
        source = "traces t"
        if "trace_name" in self.dimensions:
            source += self._label_join("name", "tag", TRACE_NAME)
        conditions = [self.scope.condition(self.bindings), *self._trace_conditions(filters)]
        if self.query.metric_name == "session_count":
            source += self._label_join("session", "metadata", SESSION)
        else:
            conditions.append(f"{self.metric.expression} IS NOT NULL")
        return _Rows(source, [*conditions, *self._between("t.request_time")])

    def _label_join(self, alias: str, kind: str, key: str) -> str:
        """Return the join to a label of each trace. The labels are read from their index, except long ones."""
        label = (
            f"SELECT f.trace_id, f.value FROM trace_labels f"
            f" WHERE {self.scope.on('f', self.bindings)} AND f.kind = '{kind}' AND f.key = '{key}'"
        )
        length = "char_length(f.value)"
        labels = f"{label} AND {length} < {SHORT} UNION ALL {label} AND {length} >= {SHORT}"
        return f"\nJOIN ({labels}) {alias} ON {alias}.trace_id = t.trace_id"

    def _trace_conditions(self, filters: Sequence[MetricFilter]) -> list[str]:
        return [self._trace_condition(each) for each in filters if each.view == "trace"]

    def _trace_condition(self, wanted: MetricFilter) -> str:
        """Return a condition on a trace. What its labels must be is a set, which is read once."""
        entity, key = _ENTITIES[wanted.entity], wanted.key or wanted.entity
        comparison = Comparison(entity, key, Comparator.EQ, wanted.value)
        clause = TraceComparison(self.scope, comparison).clause
        if entity is Entity.ATTRIBUTE or clause.candidates is None:
            return clause.condition(self.bindings)
        return f"t.trace_id IN ({clause.candidates(self.bindings)})"

    def _between(self, column: str) -> list[str]:
        start, end = self.query.start_time_ms, self.query.end_time_ms
        found = []
        if start is not None:
            found.append(f"{column} >= {self.bindings.add(start, 'bigint')}")
        if end is not None:
            found.append(f"{column} <= {self.bindings.add(end, 'bigint')}")
        return found

    def _spans(self, filters: Sequence[MetricFilter]) -> _Rows:
        conditions = [self.scope.on("s", self.bindings)]
        for each in filters:
            if each.view == "span":
                column = f"s.{each.entity}"
                conditions.append(compare_indexed(column, Comparator.EQ, each.value, self.bindings))
        conditions += [f"{DIMENSIONS[each]} <> ''" for each in self.dimensions if each in _MODELS]
        of_traces = self._trace_conditions(filters)
        if self.query.metric_name.endswith("_cost"):
            conditions += ["s.cost IS NOT NULL", *self._nanoseconds()]
            source = "spans s"
        else:
            of_traces += self._between("t.request_time")
            source = _spans_by_type(conditions, with_model=bool(_MODELS & set(self.dimensions)))
            conditions = []
        if of_traces:
            same = "t.project_id = s.project_id AND t.trace_id = s.trace_id"
            source += f"\nJOIN traces t ON {same} AND {self.scope.condition(self.bindings)}"
        return _Rows(source, [*conditions, f"{self.metric.expression} IS NOT NULL", *of_traces])

    def _assessments(self, filters: Sequence[MetricFilter]) -> _Rows:
        """Return valid assessments: those that were overridden do not count. Their time is that of their trace."""
        conditions = [self.scope.on("a", self.bindings), "a.valid"]
        for each in filters:
            if each.view == "assessment":
                column = "a.name" if each.entity == "name" else "a.kind"
                conditions.append(f"{column} = {self.bindings.add(each.value, 'text')}")
        rows = f"SELECT a.* FROM assessments a WHERE {' AND '.join(conditions)}"
        length = "char_length(a.value)"
        source = f"({rows} AND {length} < {SHORT} UNION ALL {rows} AND {length} >= {SHORT}) a"
        of_traces = [*self._trace_conditions(filters), *self._between("t.request_time")]
        if of_traces:
            same = "t.project_id = a.project_id AND t.trace_id = a.trace_id"
            source += f"\nJOIN traces t ON {same} AND {self.scope.condition(self.bindings)}"
        return _Rows(source, [f"{self.metric.expression} IS NOT NULL", *of_traces])

    def _nanoseconds(self) -> list[str]:
        """Return the bounds of the spans' own times: to the last nanosecond of the last millisecond."""
        start, end = self.query.start_time_ms, self.query.end_time_ms
        found = []
        if start is not None:
            first = max(start * _TO_NANOSECONDS, 0)
            found.append(f"s.start_time >= {self.bindings.add(first, 'bigint')}" if first <= _BIGINT else "false")  # fmt: skip
        if end is not None:
            last = (end + 1) * _TO_NANOSECONDS
            if last <= _BIGINT:
                found.append(f"s.start_time < {self.bindings.add(max(last, 0), 'bigint')}")
        return found

    def point(self, row: asyncpg.Record) -> MetricDataPoint | None:
        """Return the figures of a row; None if none of them has a value."""
        keys = list(row.values())[: self._number_of_terms]
        figures = list(row.values())[self._number_of_terms :]
        names = [*([TIME_BUCKET] if self.interval else []), *self.dimensions]
        named = zip(map(label, self.query.aggregations), figures, strict=True)
        values = {name: value for name, value in named if value is not None}
        if not values:
            return None
        return MetricDataPoint(
            metric_name=self.query.metric_name,
            dimensions={name: _shown(key) for name, key in zip(names, keys, strict=True)},
            values=values,
        )

    def token(self, row: asyncpg.Record) -> str:
        """Return the token of the page after a row."""
        return encode_token(self._search, tuple(row.values())[: self._number_of_terms])

    @property
    def _number_of_terms(self) -> int:
        return len(self.dimensions) + bool(self.interval)


def _spans_by_type(conditions: Sequence[str], *, with_model: bool) -> str:
    """Return spans, read from the index of types. It has neither long names nor models."""
    columns = ["project_id", "trace_id", "type", "status", "name", "start_time", "end_time"]
    columns += ["model_name", "model_provider"] if with_model else []
    rows = f"SELECT {', '.join(f's.{each}' for each in columns)} FROM spans s WHERE "
    length = "char_length(s.name)"
    short = " AND ".join([*conditions, f"{length} < {SHORT}"])
    long = " AND ".join([*conditions, f"{length} >= {SHORT}"])
    return f"({rows}{short} UNION ALL {rows}{long}) s"


def _shown(key: KeyValue) -> str:
    """Return a dimension's value; a bucket's begin as MLflow writes it."""
    if isinstance(key, int):
        return (_EPOCH + timedelta(milliseconds=key)).isoformat()
    return str(key)
