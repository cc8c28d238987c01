"""Spans of OpenTelemetry become the same spans of MLflow as on MLflow's newest server."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from services.gateway.otlp.prices import Prices
from services.gateway.otlp.requests import PROTOBUF, split
from services.gateway.otlp.spans import read_span
from services.gateway.otlp.traces import Traces, said_by
from tests.compat.conftest import NEWEST, venv_of
from tests.compat.otlp_spans import CASES

SCRIPT = Path(__file__).with_name("mlflow_spans.py")
TRACE, SPAN, PARENT = bytes(range(16)), bytes(range(1, 9)), bytes(range(2, 10))
START, END = 1_700_000_000_000_000_001, 1_700_000_001_000_000_002


def put(place: AnyValue, value):
    match value:
        case None:
            pass
        case bool():
            place.bool_value = value
        case int():
            place.int_value = value
        case float():
            place.double_value = value
        case str():
            place.string_value = value
        case bytes():
            place.bytes_value = value
        case list():
            place.array_value.SetInParent()
            for each in value:
                put(place.array_value.values.add(), each)
        case dict():
            place.kvlist_value.SetInParent()
            put_all(place.kvlist_value.values, value)


def put_all(pairs, values):
    for key, value in values.items():
        pair = pairs.add(key=key)
        put(pair.value, value)


def request_with(case=None, **fields):
    """Return the bytes of a request with one span."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    given = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "name": "n",
        "start_time_unix_nano": START,
        "end_time_unix_nano": END,
    }
    span = spans.add(**(given | fields))
    if case:
        put_all(span.attributes, case.attributes)
        for name, attributes in case.events:
            put_all(span.events.add(name=name, time_unix_nano=START + 1).attributes, attributes)
    return request.SerializeToString()


def statuses():
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(4):
        span = spans.add(
            trace_id=TRACE, span_id=bytes([number + 1] * 8), start_time_unix_nano=START
        )
        span.end_time_unix_nano, span.parent_span_id = END, PARENT
        span.status.code, span.status.message = number, "because"
    return request.SerializeToString()


def linked():
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=TRACE, span_id=SPAN, start_time_unix_nano=START, end_time_unix_nano=END)
    )
    link = span.links.add(trace_id=bytes(range(1, 17)), span_id=PARENT)
    put_all(link.attributes, {"why": "follows", "raw": b"\x00\x01", "list": [1]})
    span.links.add(trace_id=TRACE, span_id=PARENT)
    return request.SerializeToString()


REQUESTS = {name: request_with(case) for name, case in CASES.items()} | {
    "a root with a parent of zeros": request_with(parent_span_id=bytes(8)),
    "a child": request_with(parent_span_id=PARENT),
    "every status": statuses(),
    "links": linked(),
}


@pytest.fixture(scope="module")
def of_mlflow():
    """What MLflow makes of each request."""
    python = venv_of(NEWEST) / "bin" / "python"
    given = json.dumps([base64.b64encode(each).decode() for each in REQUESTS.values()])
    said = subprocess.run((python, SCRIPT), input=given, check=True, capture_output=True, text=True)
    return dict(zip(REQUESTS, json.loads(said.stdout), strict=True))


@pytest.fixture(scope="module")
def prices():
    (catalogue,) = venv_of(NEWEST).glob("lib/*/site-packages/mlflow/utils/model_catalog")
    return Prices(catalogue)


def of_warren(body, prices):
    traces = Traces()
    for received in split(body, PROTOBUF):
        read = read_span(received.read(), received.resource, prices)
        traces.add(read.span.trace_id, said_by(read, received.resource))
        yield json.loads(read.span.content), next(iter(traces))


def loosely(span):
    """Return a span with the values of its attributes: how their JSON is written does not count."""
    return span | {"attributes": {key: value_of(text) for key, text in span["attributes"].items()}}


def value_of(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


@pytest.mark.parametrize("name", REQUESTS)
def test_span_is_mlflows(name, of_mlflow, prices):
    pairs = zip(of_mlflow[name], of_warren(REQUESTS[name], prices), strict=True)
    for expected, (span, trace) in pairs:
        assert loosely(span) == loosely(expected["span"])
        if span["parent_span_id"] is None:
            assert trace.request_preview == expected["request_preview"]
            assert trace.response_preview == expected["response_preview"]
