"""Defines all of Warren's own metrics: names, labels and buckets.

Names follow Prometheus's conventions (https://prometheus.io/docs/practices/naming/). Labels have few
values: routes and messages, never projects, users or paths. docs/metrics.md is generated from this module.

``labels()`` costs more than a measurement, so code that measures often keeps its result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from shared.runtime.histogram import Histogram

REGISTRY = CollectorRegistry()
"""The registry that ``/metrics`` shows. Any library may add metrics to prometheus-client's global one."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
MESSAGES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
BYTES = (1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000, 4_000_000)


@dataclass(frozen=True, slots=True)
class Description:
    """A metric's row in docs/metrics.md."""

    name: str
    kind: str
    labels: Sequence[str]
    text: str


CATALOGUE: list[Description] = []
"""All metrics, in the order of docs/metrics.md."""

# prometheus-client adds a series `…_created` to each counter: the time at which it was created. That is the
# start of the process, which ProcessCollector exports already.
disable_created_metrics()  # type: ignore[no-untyped-call]
for _collector in (GCCollector, PlatformCollector, ProcessCollector):
    _collector(registry=REGISTRY)


def _note(kind: str, name: str, text: str, labels: Sequence[str]) -> None:
    CATALOGUE.append(Description(name, kind, labels, text))


def _counter(name: str, text: str, *labels: str) -> Counter:
    _note("counter", name, text, labels)
    return Counter(name, text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    _note("gauge", name, text, labels)
    return Gauge(name, text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
    _note("histogram", name, text, labels)
    return Histogram(name, text, labels, buckets, REGISTRY)


HTTP_DURATION = _histogram(
    "warren_http_request_duration_seconds",
    "From the request's headers to the end of its answer, by the route's template and the class of "
    "the status (`aborted` where the client left first).",
    SECONDS,
    "route",
    "method",
    "status",
)
HTTP_IN_FLIGHT = _gauge("warren_http_requests_in_flight", "Requests that are being answered.")
HTTP_REJECTIONS = _counter(
    "warren_http_rejections_total",
    "Answers that ask the client to come again: 429, nothing was done, or what the message says; "
    "503, the outcome is unknown.",
    "status",
)
HTTP_RATE_LIMITED = _counter(
    "warren_http_rate_limited_total",
    "Requests over the limit of their token, or of wrong tokens from their address; part of the 429s.",
)
ARTIFACT_BYTES = _counter(
    "warren_artifact_bytes_total",
    "Bytes of artifacts that the gateway passed on: `in` to the storage, `out` to clients.",
    "direction",
)
OTLP_SPANS = _counter(
    "warren_otlp_spans_total",
    "Spans in requests of OpenTelemetry that were answered: `stored`, or `rejected` one by one.",
    "outcome",
)

FRAME_MESSAGES = _histogram(
    "warren_bus_frame_messages",
    "Commands or queries that left in one frame.",
    MESSAGES,
    "service",
    "kind",
)
FRAME_BYTES = _histogram(
    "warren_bus_frame_bytes", "Bytes of a frame that left.", BYTES, "service", "kind"
)
FRAMES_IN_FLIGHT = _gauge(
    "warren_bus_frames_in_flight", "Frames without any answer yet.", "service", "kind"
)
CALLS_UNANSWERED = _gauge(
    "warren_bus_calls_unanswered",
    "Calls that wait for their answer, sent or not.",
    "service",
    "kind",
)
FRAMES_RESENT = _counter(
    "warren_bus_frames_resent_total",
    "Frames that were sent again after a reconnection.",
    "service",
    "kind",
)
BROKER_CONNECTED = _gauge(
    "warren_broker_connected", "1 while the connection to RabbitMQ stands.", "connection"
)
BROKER_BLOCKED = _gauge(
    "warren_broker_blocked",
    "1 while RabbitMQ reads nothing of the connection, because of an alarm for its memory or disk.",
    "connection",
)

QUEUE_WAIT = _histogram(
    "warren_queue_wait_seconds",
    "From a frame's publication to its first delivery; clocks of two machines are compared.",
    SECONDS,
    "service",
    "kind",
)
MESSAGE_DURATION = _histogram(
    "warren_message_duration_seconds",
    "From a frame's delivery to a message's answer, by the message and its outcome: `ok` or the "
    "error's code. Commands of a frame share a transaction, and so their seconds.",
    SECONDS,
    "service",
    "message",
    "outcome",
)
EVENT_DURATION = _histogram(
    "warren_event_duration_seconds",
    "From an event's delivery to its end: `ok`, `retried` or `dead`.",
    SECONDS,
    "service",
    "topic",
    "outcome",
)
INBOX_HITS = _counter(
    "warren_inbox_hits_total",
    "Frames, commands, Idempotency-Keys and events that had been carried out before.",
)
REDELIVERIES = _counter(
    "warren_redeliveries_total", "Deliveries that are not a message's first.", "queue"
)
RETRIES = _counter("warren_retries_total", "Messages put off, to be tried again.", "queue")
DEAD_LETTERS = _counter("warren_dead_letters_total", "Messages that failed for good.", "queue")

TRACES_EXPIRED = _counter(
    "warren_traces_expired_total", "Traces that were deleted because they were kept long enough."
)
SPAN_WEEKS_DROPPED = _counter(
    "warren_span_weeks_dropped_total",
    "Weeks of spans that were dropped because none of their traces is left.",
)

OUTBOX_LAG = _gauge(
    "warren_outbox_lag_seconds", "Age of the oldest event that has not left yet.", "service"
)
POOL_CONNECTIONS = _gauge(
    "warren_database_pool_connections",
    "Connections to PostgreSQL, `used` or `idle`.",
    "service",
    "state",
)
POOL_LIMIT = _gauge(
    "warren_database_pool_limit", "Connections to PostgreSQL that may be opened.", "service"
)
REPLICA_QUERIES = _counter(
    "warren_replica_queries_total",
    "Queries of a service with read replicas: `replica`, or why the primary ran them (`behind`, `unreachable`, …; "
    "operating.md has all).",
    "service",
    "outcome",
)
REPLICA_READY = _gauge(
    "warren_replica_ready", "1 while queries are sent to a read replica.", "service", "replica"
)
REPLICA_LAG = _gauge(
    "warren_replica_lag_bytes",
    "Bytes of the primary's write-ahead log that a read replica had not replayed when a process last looked; "
    "NaN while that is unknown.",
    "service",
    "replica",
)
