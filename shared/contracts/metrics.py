"""Metrics: points, their history, and the hot path ``runs/log-metric``."""

from typing import Annotated, ClassVar, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Int32,
    Int64,
    PageToken,
    Query,
    Required,
    RunId,
    TransientCommand,
    Wire,
    Word,
)


class Metric(Wire):
    """One point: ``timestamp`` in Unix milliseconds, ``step`` an int64."""

    key: Required
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


@with_config(Wire.model_config)
class Point(TypedDict):
    """What ``Metric`` is, as it is logged: a batch has up to 1,000, and a dict is read in half the time."""

    key: Required
    value: float
    timestamp: Int64
    step: NotRequired[Int64]
    model_id: NotRequired[Word]
    dataset_name: NotRequired[Word]
    dataset_digest: NotRequired[Word]


Points = Annotated[list[Point], AtMost(limits.BATCH)]


class LogMetric(TransientCommand):
    """Append one point to a metric of an active run."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    key: Required
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: Word | None = None
    dataset_name: Word | None = None
    dataset_digest: Word | None = None


class GetMetricHistory(Query):
    """All points of one metric, by timestamp, step, value; paged when ``max_results`` is given."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    metric_key: Required
    page_token: PageToken | None = None
    max_results: Int32 | None = None


class GetMetricHistoryReply(Wire):
    """A page of points."""

    metrics: list[Metric]
    next_page_token: str | None = None


class GetMetricHistoryBulk(Query):
    """The history of one metric in up to 100 runs; the query string repeats ``run_id``."""

    service: ClassVar[str] = "tracking"
    run_id: Annotated[list[Word], AtMost(limits.RUNS)] = Field(default_factory=list)
    metric_key: Word | None = None
    max_results: Int64 | None = None


class GetMetricHistoryBulkInterval(Query):
    """Sampled history of one metric in up to 100 runs, for charts."""

    service: ClassVar[str] = "tracking"
    run_ids: Annotated[list[Word], AtMost(limits.RUNS)] = Field(default_factory=list)
    metric_key: Word | None = None
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int32 | None = None


class MetricWithRunId(Wire):
    """A point and the run it belongs to."""

    key: str
    value: float
    timestamp: int
    step: int
    run_id: str


class MetricHistoryBulkReply(Wire):
    """Points of several runs, grouped by run."""

    metrics: list[MetricWithRunId]
