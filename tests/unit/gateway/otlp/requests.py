"""OTLP requests for tests, in both encodings."""

import json

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROTOBUF = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": "1"}
JSON = PROTOBUF | {"Content-Type": "application/json"}
TRACE = bytes(range(16))
START = 1_700_000_000_000_000_000
END = START + 1_000_000


def a_span(number=1, text="", **fields) -> Span:
    """A finished span without a parent; its attribute ``text`` has the text."""
    given = {
        "trace_id": TRACE,
        "span_id": number.to_bytes(8, "big"),
        "name": f"span {number}",
        "start_time_unix_nano": START,
        "end_time_unix_nano": END,
    }
    span = Span(**(given | fields))
    if text:
        span.attributes.add(key="text").value.string_value = text
    return span


def request_of(*spans, **resource) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add()
    for key, value in resource.items():
        part.resource.attributes.add(key=key.replace("_", ".")).value.string_value = value
    part.scope_spans.add().spans.extend(spans)
    return request


def body_of(*spans, **resource) -> bytes:
    return request_of(*spans, **resource).SerializeToString()


def json_of(*spans, **resource) -> bytes:
    """The request as OTLP's JSON: ids in hexadecimal."""
    request = MessageToDict(request_of(*spans, **resource))
    for given, span in zip(
        request["resourceSpans"][0]["scopeSpans"][0]["spans"], spans, strict=True
    ):
        given |= {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
        if span.parent_span_id:
            given["parentSpanId"] = span.parent_span_id.hex()
        for link, own in zip(given.get("links", ()), span.links, strict=True):
            link |= {"traceId": own.trace_id.hex(), "spanId": own.span_id.hex()}
    return json.dumps(request).encode()


def length(number) -> bytes:
    """A number as protobuf's varint."""
    written = b""
    while number > 127:
        written += bytes([number & 127 | 128])
        number >>= 7
    return written + bytes([number])


def field(number, value) -> bytes:
    """A field of bytes on the wire."""
    return bytes([number << 3 | 2]) + length(len(value)) + value


def wire_of(*spans) -> bytes:
    """A request with these bytes as spans."""
    return field(1, field(2, b"".join(field(2, each) for each in spans)))
