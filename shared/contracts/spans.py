"""Spans: the steps of traces. They reach the traces service as OTLP requests, which the gateway translates."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import AtMost, Command, Int64, Query, Required, Wire, Word

TraceId = Annotated[str, Field(min_length=1, max_length=50)]
"""``tr-`` and 32 hexadecimal digits; or what a client of MLflow 2 chose. MLflow's column has 50 characters."""

SpanId = Annotated[str, Field(min_length=1, max_length=50)]
"""16 hexadecimal digits."""


class Span(Wire):
    """A step of a trace. Times are Unix nanoseconds; an unfinished span has no ``end_time_ns``.

    ``content`` is the span as MLflow's ``Span.to_dict`` writes it, in JSON. The service stores it as it is; the other
    fields repeat what searches and sums need. ``token_usage`` and ``cost`` are the attributes
    ``mlflow.chat.tokenUsage`` and ``mlflow.llm.cost``.
    """

    trace_id: TraceId
    span_id: SpanId
    parent_span_id: Word = ""
    name: Word = ""
    type: Word = "UNKNOWN"
    status: Literal["OK", "ERROR", "UNSET"] = "UNSET"
    start_time_ns: Annotated[Int64, Field(ge=0)]
    end_time_ns: Annotated[Int64, Field(ge=0)] | None = None
    content: Annotated[str, Field(max_length=limits.SPAN_JSON)]
    model_name: Word = ""
    model_provider: Word = ""
    token_usage: dict[str, int] = Field(default_factory=dict)
    cost: dict[str, float] = Field(default_factory=dict)


class SpannedTrace(Wire):
    """The trace as its spans describe it. The service fills in the fields that the trace does not have yet.

    ``tags`` overwrite the trace's own. ``metadata`` and previews only fill gaps: a trace that was started by
    ``StartTraceV3`` knows better.
    """

    trace_id: TraceId
    tags: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, str] = Field(default_factory=dict)
    request_preview: Word | None = None
    response_preview: Word | None = None


class LogSpans(Command):
    """Store spans of one or several traces of an experiment. Traces that do not exist are created.

    A span that exists already is replaced; so a repeated command changes nothing, and a finished copy takes the place
    of an unfinished one. An unfinished copy does not replace a finished one. A sender splits what is larger than
    ``limits.SPANS_JSON`` or ``limits.SPANS`` into several commands.
    """

    service: ClassVar[str] = "traces"
    experiment_id: Required
    spans: Annotated[list[Span], AtMost(limits.SPANS)]
    traces: Annotated[list[SpannedTrace], AtMost(limits.SPANS)] = Field(default_factory=list)


class ListSpans(Query):
    """List the spans of a trace, page by page: those without a parent first, then by start time.

    A page ends at about ``limits.SPANS_JSON`` characters of content. The reply is JSON: ``{"spans": [...],
    "next_page_token": "..."}``, where a span is what ``form`` says: ``mlflow`` for the stored JSON of MLflow, ``otlp``
    for a span in OTLP's proto-JSON, as MLflow's REST API returns it.
    """

    service: ClassVar[str] = "traces"
    trace_id: TraceId
    page_token: Word = ""
    form: Literal["mlflow", "otlp"] = "mlflow"
