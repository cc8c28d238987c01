"""Templates of requests with spans: bodies in which a marker stands for what differs between two requests."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

MARKER = b"@TRACE"
"""Begins the id of each trace and span. It has as many bytes as what takes its place (``lua/spans.lua``)."""

BATCH = "batch.otlp"
"""Five traces of ten spans, as an exporter of OpenTelemetry sends them."""
TRACE = "trace.otlp"
"""One trace of ten spans, as a client of MLflow sends it."""
INFO = "trace.json"
"""What the client knows of that trace. The marker is hexadecimal digits here."""
EXPERIMENT = "@EXPERIMENT"

SPANS_OF_TRACE = 10
SPANS_OF_BATCH = 50
LONG_TRACE = 50
"""Spans of a trace that is read."""

_TEXT = (
    "The run with the lowest loss used a learning rate of 0.01 and a depth of four. It was \u201cbest\u201d in each of "
    "the last three sweeps, and its accuracy is within a tenth of a percent of the larger model's. "
)
_CALLS = ("RETRIEVER", "CHAT_MODEL", "TOOL")
_STEP_NANOSECONDS = 100_000_000


def write_templates(directory: Path) -> None:
    """Write the templates that the scripts of wrk read."""
    directory.mkdir(parents=True, exist_ok=True)
    traces = SPANS_OF_BATCH // SPANS_OF_TRACE
    (directory / BATCH).write_bytes(request([SPANS_OF_TRACE] * traces))
    (directory / TRACE).write_bytes(request([SPANS_OF_TRACE]))
    (directory / INFO).write_text(json.dumps(start_trace(trace_id(MARKER.decode()), EXPERIMENT)))


def request(sizes: list[int], marker: bytes = MARKER) -> bytes:
    """Return an ``ExportTraceServiceRequest`` with a trace of each size; ids begin with the marker."""
    spans = [span for trace, size in enumerate(sizes) for span in _trace(marker, trace, size)]
    resource = Resource(attributes=_attributes({"service.name": "answers", "host.name": "gpu-1"}))
    scopes = [ScopeSpans(spans=spans)]
    body: bytes = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=scopes)]
    ).SerializeToString()
    return body


def trace_id(start: str, trace: int = 0) -> str:
    """Return MLflow's id of a trace of ``request``, if ``start`` is the marker's place in hexadecimal digits."""
    return f"tr-{start}{_rest(trace).hex()}"


def start_trace(trace: str, experiment: str, milliseconds: int | None = None) -> dict[str, Any]:
    """Return the body of ``StartTraceV3`` as MLflow's client writes it at the end of a trace."""
    time = datetime.now(UTC) if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)  # fmt: skip
    info = {
        "trace_id": trace,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": experiment},
        },
        "request_preview": _content("question")[:1000],
        "response_preview": _content("answer")[:1000],
        "request_time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "execution_duration": "1.500s",
        "state": "OK",
        "trace_metadata": {
            "mlflow.trace_schema.version": "3",
            "mlflow.user": "bench",
            "mlflow.source.name": "app.py",
            "mlflow.source.type": "LOCAL",
            "mlflow.trace.tokenUsage": json.dumps(_USAGE),
            "mlflow.trace.sizeBytes": "16384",
            "mlflow.trace.sizeStats": json.dumps({"total_size_bytes": 16384, "num_spans": 1}),
        },
        "tags": {"mlflow.traceName": "answer", "environment": "production"},
    }
    return {"trace": {"trace_info": info}}


_USAGE = {"input_tokens": 412, "output_tokens": 96, "total_tokens": 508}


def _trace(marker: bytes, trace: int, size: int) -> Iterator[Span]:
    """Yield the root span, then its children: each retriever, call of a model and tool in turn."""
    start = int(datetime.now(UTC).timestamp() * 1e9)
    root = _span_id(marker, trace, 0)
    for number in range(size):
        kind = _CALLS[number % len(_CALLS)] if number else "AGENT"
        begin = start + number * _STEP_NANOSECONDS
        yield Span(
            trace_id=marker + _rest(trace),
            span_id=_span_id(marker, trace, number),
            parent_span_id=root if number else b"",
            name=f"{kind.lower()}_{number}" if number else "answer",
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=begin,
            end_time_unix_nano=begin + (_STEP_NANOSECONDS if number else size * _STEP_NANOSECONDS),
            attributes=_attributes(_mlflow_attributes(kind)),
            status=Status(code=Status.STATUS_CODE_OK),
        )


def _mlflow_attributes(kind: str) -> dict[str, str]:
    """Return a span's attributes; MLflow's clients write each value as JSON."""
    values: dict[str, Any] = {
        "mlflow.spanType": kind,
        "mlflow.spanFunctionName": kind.lower(),
    }
    if kind == "CHAT_MODEL":
        values["mlflow.chat.tokenUsage"] = _USAGE
        values["mlflow.llm.model"] = "gpt-4o-mini"
        values["mlflow.llm.provider"] = "openai"
    texts = {"mlflow.spanInputs": _content("question"), "mlflow.spanOutputs": _content("answer")}
    return {name: json.dumps(value) for name, value in values.items()} | texts


def _content(kind: str) -> str:
    """Return about 500 characters of JSON."""
    return json.dumps({kind: (_TEXT * 3)[:460], "temperature": 0.2}, ensure_ascii=False)


def _attributes(values: dict[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in values.items()]


def _rest(trace: int) -> bytes:
    """Return the bytes of a trace's id after the marker's six of sixteen."""
    return trace.to_bytes(2, "big") + b"warren-b"


def _span_id(marker: bytes, trace: int, number: int) -> bytes:
    return marker + (trace * 1000 + number + 1).to_bytes(2, "big")
