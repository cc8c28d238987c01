"""Metrics: points, their history, and ``runs/log-metric``, which must be fast."""

from typing import Annotated, ClassVar, NotRequired, cast

from pydantic import Field, with_config
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Command,
    Int32,
    Int64,
    PageToken,
    Query,
    Required,
    RunId,
    Wire,
    Word,
)


class Metric(Wire):
    """One point; ``timestamp`` is in Unix milliseconds, ``step`` is an int64."""

    key: Required
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: Word | None = None
    dataset_name: Word | None = None
    dataset_digest: Word | None = None


@with_config(Wire.model_config)
class Point(TypedDict):
    """A ``Metric`` as a batch logs it. A batch has up to 1,000, and pydantic parses a dict in half the time.

    The fields stand here once more, since a type checker can't derive them; a test compares the two.
    """

    key: Required
    value: float
    timestamp: Int64
    step: NotRequired[Int64]
    model_id: NotRequired[Word]
    dataset_name: NotRequired[Word]
    dataset_digest: NotRequired[Word]


Points = Annotated[list[Point], AtMost(limits.BATCH)]


class _OfRun(Wire):
    """A base class of its own, because the fields of the last base come first: a missing run is refused first."""

    run_id: RunId


class LogMetric(Command, Metric, _OfRun):
    """Append one point to a metric of an active run."""

    service: ClassVar[str] = "tracking"

    @property
    def point(self) -> Point:
        """The point, as a batch has it. It is the message's own dict, which also holds ``run_id``: a copy costs time."""
        return cast("Point", vars(self))


class GetMetricHistory(Query):
    """Return all points of one metric, sorted by timestamp, step and value; paged if ``max_results`` is given."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    metric_key: Required
    page_token: PageToken | None = None
    max_results: Int32 | None = None
    continuation: SkipJsonSchema[PageToken | None] = None
    """Set by the gateway: where the next part of a long history begins (``shared/mlflow/parts.py``)."""


class GetMetricHistoryReply(Wire):
    """A page of points."""

    metrics: list[Metric]
    next_page_token: str | None = None


class GetMetricHistoryBulk(Query):
    """Return the history of one metric in up to 100 runs; the query string repeats ``run_id``."""

    service: ClassVar[str] = "tracking"
    run_id: Annotated[list[Word], AtMost(limits.RUNS)] = Field(default_factory=list)
    metric_key: Word | None = None
    max_results: Int64 | None = None


class GetMetricHistoryBulkInterval(Query):
    """Return a sampled history of one metric in up to 100 runs, for charts."""

    service: ClassVar[str] = "tracking"
    run_ids: Annotated[list[Word], AtMost(limits.RUNS)] = Field(default_factory=list)
    metric_key: Word | None = None
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int32 | None = None


class MetricWithRunId(Wire):
    """A point and its run."""

    key: str
    value: float
    timestamp: int
    step: int
    run_id: str


class MetricHistoryBulkReply(Wire):
    """Points of several runs, grouped by run."""

    metrics: list[MetricWithRunId]
