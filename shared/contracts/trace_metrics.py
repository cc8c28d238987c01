"""Figures over traces: MLflow's ``traces/metrics`` and ``traces/calculate-filter-correlation``."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    ExperimentIds,
    Filter,
    Int32,
    Int64,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)


class _ProtoEnum(StrEnum):
    """An enum of proto-JSON: a member's name, or its number, counted from 1."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        number = int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0
        members = list(cls)
        return members[number - 1] if 1 <= number <= len(members) else None


class MetricViewType(_ProtoEnum):
    """What is counted or measured."""

    TRACES = "TRACES"
    SPANS = "SPANS"
    ASSESSMENTS = "ASSESSMENTS"


class AggregationType(_ProtoEnum):
    """How values become one figure."""

    COUNT = "COUNT"
    SUM = "SUM"
    AVG = "AVG"
    PERCENTILE = "PERCENTILE"
    MIN = "MIN"
    MAX = "MAX"


class MetricAggregation(Wire):
    """An aggregation. ``percentile_value``, from 0 to 100, belongs to percentiles alone."""

    aggregation_type: AggregationType
    percentile_value: float | None = None


class QueryTraceMetrics(Query):
    """Return figures over the traces, spans or assessments of some experiments.

    - Times are Unix milliseconds, both ends included. ``filters`` must all hold.
    - ``dimensions`` group the values, ``time_interval_seconds`` groups them by time.
    """

    service: ClassVar[str] = "traces"
    experiment_ids: ExperimentIds
    view_type: MetricViewType
    metric_name: Required
    aggregations: Annotated[list[MetricAggregation], AtMost(limits.AGGREGATIONS)]
    dimensions: Annotated[list[Word], AtMost(limits.AGGREGATIONS)] = Field(default_factory=list)
    filters: Annotated[list[Filter], AtMost(limits.AGGREGATIONS)] = Field(default_factory=list)
    time_interval_seconds: Int64 | None = None
    start_time_ms: Int64 | None = None
    end_time_ms: Int64 | None = None
    max_results: Int32 | None = None
    page_token: PageToken | None = None


class MetricDataPoint(Wire):
    """The figures of one group.

    ``dimensions`` has the group's values, among them ``time_bucket``, an ISO 8601 time. ``values`` has each
    aggregation's figure, by names such as ``AVG`` and ``P99.0``.
    """

    metric_name: str
    dimensions: dict[str, str]
    values: dict[str, float]


class QueryTraceMetricsReply(Wire):
    """A page of figures, in the order of their times and dimensions."""

    data_points: list[MetricDataPoint]
    next_page_token: str | None = None


class CalculateTraceFilterCorrelation(Query):
    """Return how often the traces that satisfy one filter satisfy another one, too.

    Of the traces of some experiments, those count that satisfy ``base_filter``.
    """

    service: ClassVar[str] = "traces"
    experiment_ids: ExperimentIds
    filter_string1: Annotated[Filter, Field(min_length=1)]
    filter_string2: Annotated[Filter, Field(min_length=1)]
    base_filter: Filter | None = None


class TraceFilterCorrelation(Wire):
    """Normalized pointwise mutual information, from -1 to 1, and the counts that it follows from.

    ``npmi_smoothed`` adds half a trace to each case. Both are left out where they are undefined: a filter holds for no
    trace.
    """

    npmi: float | None = None
    npmi_smoothed: float | None = None
    filter1_count: int
    filter2_count: int
    joint_count: int
    total_count: int
