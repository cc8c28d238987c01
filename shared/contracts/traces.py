"""Traces: MLflow's ``traces`` requests and replies, of its versions 2 and 3.

MLflow 2 names a trace's id ``request_id``, its metadata ``request_metadata``, and both in lists of keys and values.
Requests with the same fields in both versions are one contract.
"""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AliasChoices, Field

from shared.contracts import limits
from shared.contracts.assessments import Assessment
from shared.contracts.experiments import Tag
from shared.contracts.message import (
    AtMost,
    Command,
    ExperimentIds,
    Filter,
    Int32,
    Int64,
    OrderBy,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)
from shared.contracts.proto_enums import ProtoEnum
from shared.contracts.proto_times import LATEST, Duration, Timestamp
from shared.contracts.spans import TraceId

NamedTrace = Annotated[
    TraceId,
    Field(validation_alias=AliasChoices("trace_id", "traceId", "request_id", "requestId")),
]
"""The trace that a request is about, by either version's name."""

TraceIds = Annotated[list[TraceId], AtMost(limits.TRACES)]
Milliseconds = Annotated[Int64, Field(ge=0, le=LATEST)]
"""Unix milliseconds. MLflow 3 writes times as texts, which end with the year 9999."""

Metadata = Annotated[dict[str, str], Field(max_length=limits.ENTITIES)]
Entries = Annotated[list[Tag], AtMost(limits.ENTITIES)]


class TraceState(ProtoEnum):
    """The state of a trace. MLflow 2 calls it a status, and the first one ``TRACE_STATUS_UNSPECIFIED``."""

    STATE_UNSPECIFIED = "STATE_UNSPECIFIED"
    OK = "OK"
    ERROR = "ERROR"
    IN_PROGRESS = "IN_PROGRESS"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Return the member with this number, or with MLflow 2's name."""
        unspecified = value == "TRACE_STATUS_UNSPECIFIED"
        return cls(cls.STATE_UNSPECIFIED) if unspecified else super()._missing_(value)


class ExperimentLocation(Wire):
    """An experiment as the place of a trace."""

    experiment_id: Required


class TraceLocation(Wire):
    """The place of a trace. Only experiments are supported; Databricks has others."""

    type: Word = "MLFLOW_EXPERIMENT"
    mlflow_experiment: ExperimentLocation | None = None


class TraceInfoV3(Wire):
    """A trace without its spans. Times are milliseconds in the service, and texts in JSON (``proto_times``)."""

    trace_id: TraceId
    trace_location: TraceLocation
    request_time: Timestamp = 0
    execution_duration: Duration | None = None
    state: TraceState = TraceState.STATE_UNSPECIFIED
    client_request_id: Annotated[str, Field(max_length=limits.CLIENT_REQUEST_ID)] | None = None
    request_preview: Word | None = None
    response_preview: Word | None = None
    trace_metadata: Metadata = Field(default_factory=dict)
    tags: Metadata = Field(default_factory=dict)
    assessments: Annotated[list[Assessment], AtMost(limits.ASSESSMENTS)] = Field(
        default_factory=list
    )


class NewTrace(Wire):
    """A trace in the body of ``StartTraceV3``. Spans in it are ignored, as on MLflow's server."""

    trace_info: TraceInfoV3


class StartTraceV3(Command):
    """Store what is known of a trace. MLflow 3's clients send it when the trace ends.

    A trace that exists already, perhaps because its spans came first, is completed.
    """

    service: ClassVar[str] = "traces"
    trace: NewTrace


class StartTrace(Command):
    """Start a trace (MLflow 2). The reply names its new id."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    timestamp_ms: Milliseconds = 0
    request_metadata: Entries = Field(default_factory=list)
    tags: Entries = Field(default_factory=list)


class EndTrace(Command):
    """End a trace (MLflow 2). Metadata and tags are added to those it has."""

    service: ClassVar[str] = "traces"
    trace_id: NamedTrace
    timestamp_ms: Milliseconds = 0
    status: TraceState = TraceState.STATE_UNSPECIFIED
    request_metadata: Entries = Field(default_factory=list)
    tags: Entries = Field(default_factory=list)


class GetTraceInfo(Query):
    """Return a trace without its spans, in MLflow 2's form."""

    service: ClassVar[str] = "traces"
    trace_id: NamedTrace


class GetTraceInfoV3(Query):
    """Return a trace without its spans, in MLflow 3's form."""

    service: ClassVar[str] = "traces"
    trace_id: TraceId


class GetTrace(Query):
    """Return a trace and the first page of its spans, as ``ListSpans`` with ``form`` ``otlp`` lists them.

    Without ``allow_partial`` a trace is refused if fewer spans have arrived than its metadata counts.
    """

    service: ClassVar[str] = "traces"
    trace_id: TraceId
    allow_partial: bool = False


class BatchGetTraces(Query):
    """Return traces with their spans, in the order of their ids. Traces that are missing or incomplete are left out."""

    service: ClassVar[str] = "traces"
    trace_ids: TraceIds
    experiment_ids: ExperimentIds | None = None


class ReadableTraces(Wire):
    """The service's reply to ``BatchGetTraces``: those whose spans can be read. The gateway gets them one by one."""

    trace_ids: list[str] = Field(default_factory=list)


class BatchGetTraceInfos(Query):
    """Return traces without their spans, in the order of their ids. Missing ones are left out."""

    service: ClassVar[str] = "traces"
    trace_ids: TraceIds
    experiment_ids: ExperimentIds | None = None


class SearchTraces(Query):
    """Search traces of some experiments, newest first unless ``order_by`` says otherwise; MLflow 2's form."""

    service: ClassVar[str] = "traces"
    experiment_ids: ExperimentIds
    filter: Filter | None = None
    max_results: Int32 | None = None
    order_by: OrderBy = Field(default_factory=list)
    page_token: PageToken | None = None


class SearchTracesV3(Query):
    """Search traces of some experiments, newest first unless ``order_by`` says otherwise; MLflow 3's form."""

    service: ClassVar[str] = "traces"
    locations: Annotated[list[TraceLocation], AtMost(limits.EXPERIMENTS)]
    filter: Filter | None = None
    max_results: Int32 | None = None
    order_by: OrderBy = Field(default_factory=list)
    page_token: PageToken | None = None


class DeleteTraces(Command):
    """Delete traces of an experiment: those with given ids, or the oldest ones up to a time and a number.

    The service deletes at most ``limits.DELETED_TRACES`` by a time; the gateway repeats the command until all are gone.
    """

    service: ClassVar[str] = "traces"
    experiment_id: Required
    max_timestamp_millis: Int64 | None = None
    max_traces: Int32 | None = None
    request_ids: TraceIds = Field(
        default_factory=list,
        validation_alias=AliasChoices("request_ids", "requestIds", "trace_ids", "traceIds"),
    )


class TraceInfo(Wire):
    """A trace in MLflow 2's form. Times are milliseconds."""

    request_id: str
    experiment_id: str
    timestamp_ms: int
    execution_time_ms: int | None = None
    status: str
    request_metadata: list[Tag]
    tags: list[Tag]


class TraceInfoReply(Wire):
    """A trace in MLflow 2's form."""

    trace_info: TraceInfo


class TraceReply(Wire):
    """A trace in MLflow 3's form."""

    trace: NewTrace


class TraceWithSpans(NewTrace):
    """A trace and its spans, in OTLP's proto-JSON."""

    spans: list[dict[str, Any]]


class SpannedTraceReply(Wire):
    """A trace with its spans."""

    trace: TraceWithSpans


class BatchGetTracesReply(Wire):
    """Traces with their spans."""

    traces: list[TraceWithSpans]


class BatchGetTraceInfosReply(Wire):
    """Traces without their spans."""

    trace_infos: list[TraceInfoV3]


class SearchTracesReply(Wire):
    """A page of traces; no ``next_page_token`` on the last page."""

    traces: list[TraceInfo]
    next_page_token: str | None = None


class SearchTracesV3Reply(Wire):
    """A page of traces; no ``next_page_token`` on the last page."""

    traces: list[TraceInfoV3]
    next_page_token: str | None = None


class DeleteTracesReply(Wire):
    """The number of traces that were deleted."""

    traces_deleted: int = 0


class SetTraceTag(Command):
    """Set or overwrite a tag of a trace."""

    service: ClassVar[str] = "traces"
    trace_id: NamedTrace
    key: Required
    value: str = ""


class DeleteTraceTag(Command):
    """Remove a tag from a trace."""

    service: ClassVar[str] = "traces"
    trace_id: NamedTrace
    key: Required


class LinkTracesToRun(Command):
    """Link traces to a run, by which searches then find them. A repeated link changes nothing."""

    service: ClassVar[str] = "traces"
    trace_ids: TraceIds
    run_id: Required


class PromptVersionRef(Wire):
    """A version of a prompt."""

    name: Required
    version: Required


class LinkPromptsToTrace(Command):
    """Link versions of prompts to a trace. A repeated link changes nothing."""

    service: ClassVar[str] = "traces"
    trace_id: TraceId
    prompt_versions: Annotated[list[PromptVersionRef], AtMost(limits.ENTITIES)]


TraceForm = Literal["v2", "v3"]
"""The form of a reply's JSON: MLflow 2's or 3's."""
