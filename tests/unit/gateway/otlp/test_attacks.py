"""Whatever is sent to ``/v1/traces``, the answer says what is wrong, and no limit is passed."""

import asyncio
import gzip
import json

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.otlp.prices import Prices
from services.gateway.otlp.requests import _PARTS, split
from services.gateway.otlp.spans import SpanRefusedError, read_span
from services.gateway.otlp.traces import Traces, said_by
from services.gateway.otlp.wire import count_parts
from shared.contracts import limits
from shared.contracts.errors import DomainError
from shared.contracts.spans import LogSpans
from tests.unit.gateway.bombs import bomb
from tests.unit.gateway.otlp.requests import (
    JSON,
    PROTOBUF,
    TRACE,
    a_span,
    body_of,
    field,
    json_of,
    wire_of,
)

PATH = "/v1/traces"
NO_PRICES = Prices(None)


async def refusal(response):
    if response.headers["Content-Type"] == "application/x-protobuf":
        return Status.FromString(await response.read()).message
    return (await response.json())["message"]


def nested_value(levels):
    """An attribute with lists in lists."""
    value = b""
    for _ in range(levels):
        value = field(5, field(1, value))
    return field(9, field(1, b"k") + field(2, value))


@given(
    st.lists(st.lists(st.lists(st.binary(max_size=4), max_size=3), max_size=3), max_size=3),
    st.sampled_from([b"", b"\x18\x96\x01", b"\x19" + bytes(8), b"\x1d" + bytes(4), field(3, b"x")]),
)
def test_parts_are_counted_on_the_wire_as_the_library_finds_them(resources, other):
    body = b"".join(
        other
        + field(
            1,
            b"".join(
                other + field(2, b"".join(other + field(2, e) for e in scope)) for scope in scopes
            ),
        )
        for scopes in resources
    )
    found = _PARTS.FromString(body).resource_spans
    parts = [*found, *(scope for each in found for scope in each.scope_spans)]
    spans = [span for each in found for scope in each.scope_spans for span in scope.spans]
    assert count_parts(body) == len(parts) + len(spans)


def test_too_many_parts_are_refused_before_they_are_objects():
    """Behind the limit the bytes are malformed. The library, which reads all of them first, would say that."""
    for body in (field(1, b""), field(1, field(2, b"") * 40_000), wire_of(*[b""] * 40_000)):
        many = body * (limits.OTLP_SPANS // count_parts(body) + 1) + b"\x0f"
        with pytest.raises(DomainError, match="at most 100000 resources, scopes and spans"):
            next(split(many, "application/x-protobuf"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\x0a\xff\xff\xff\xff\x07", "not a valid ExportTraceServiceRequest"),
        (b"\x0a\x80\x80\x80\x80\x08", "not a valid ExportTraceServiceRequest"),
        (body_of(a_span())[:-1], "not a valid ExportTraceServiceRequest"),
        (b"hello", "not a valid ExportTraceServiceRequest"),
        (json_of(a_span()), "not a valid ExportTraceServiceRequest"),
        (
            field(1, field(1, b"\x0a\xff") + field(2, field(2, b""))),
            "not a valid ExportTraceServiceRequest",
        ),
        (
            body_of(a_span(), key="v" * limits.OTLP_RESOURCE),
            "A resource can have at most 65536 bytes.",
        ),
        (wire_of(*[b""] * (limits.OTLP_SPANS + 1)), "at most 100000 resources"),
        (field(1, b"") * (limits.OTLP_SPANS + 1), "at most 100000 resources"),
        (field(1, field(2, b"") * (limits.OTLP_SPANS + 1)), "at most 100000 resources"),
        (wire_of(b"\x0a\xff\xff\xff\xff\x07"), "The span can't be read"),
        (wire_of(field(5, b"\xff")), "bad UTF-8"),
        (wire_of(nested_value(200)), "MaxDepth"),
    ],
)
async def test_bad_protobuf_is_refused(client, bus, body, message):
    response = await client.post(PATH, data=body, headers=PROTOBUF)
    assert response.status == 400
    assert message in await refusal(response)
    assert not bus.sent


def with_span(**fields):
    span = json.loads(json_of(a_span()))["resourceSpans"][0]["scopeSpans"][0]["spans"][0] | fields
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", None),
        (b"[" * 100_000, "not a valid ExportTraceServiceRequest"),
        (b"[]", "an object was expected"),
        (b"\xff", "not a valid ExportTraceServiceRequest"),
        (b'{"resourceSpans": {}}', "resourceSpans is not a list"),
        (b'{"resourceSpans": [1]}', "an object was expected"),
        (
            b'{"resourceSpans": [{"resource": 1, "scopeSpans": [{"spans": [1]}]}]}',
            "not a valid ExportTraceServiceRequest",
        ),
        (json_of(a_span(), key="v" * limits.OTLP_RESOURCE), "A resource can have at most 65536"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [' + b"9" * 5000 + b"]}]}]}", ""),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": ["s"]}]}]}', "A span is a JSON object."),
        (with_span(traceId="zz" * 16), "traceId is not hexadecimal."),
        (with_span(traceId=" " * 32), "traceId is not hexadecimal."),
        (with_span(traceId="ab"), "A trace id has 16 bytes, not 1."),
        (with_span(traceId=5), "traceId is not hexadecimal."),
        (with_span(spanId="\u0661" * 16), "spanId is not hexadecimal."),
        (with_span(spanId=None), "A span id has 8 bytes, not 0."),
        (with_span(links=[{"traceId": "x"}]), "traceId is not hexadecimal."),
        (with_span(links="x"), "The span can't be read"),
        (with_span(attributes=[{"key": "k", "value": {"intValue": "9" * 5000}}]), "can't be read"),
        (with_span(attributes={"k": "v"}), "The span can't be read"),
        (with_span(name={"a": 1}), "The span can't be read"),
        (with_span(name="n" * 20_001), "name: String should have at most 20000 characters"),
        (with_span(startTimeUnixNano=-1), "The span can't be read"),
        (with_span(startTimeUnixNano="NaN"), "The span can't be read"),
    ],
)
async def test_bad_json_is_refused(client, bus, body, message):
    response = await client.post(PATH, data=body, headers=JSON)
    if message is None:
        message = "not a valid ExportTraceServiceRequest"
    assert response.status == 400
    assert message in await refusal(response)
    assert not bus.sent


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Encoding": "br"}, 415),
        ({"Content-Encoding": "gzip, gzip"}, 415),
        ({"x-mlflow-experiment-id": ""}, 400),
        ({"Content-Encoding": "gzip"}, 400),
    ],
)
async def test_bad_headers_are_refused(client, bus, headers, status):
    response = await client.post(PATH, data=body_of(a_span()), headers=PROTOBUF | headers)
    assert response.status == status
    assert await refusal(response)
    assert not bus.sent


async def test_header_that_is_no_utf8_is_read(server, bus):
    body = body_of(a_span())
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nx-mlflow-experiment-id: 1\xff\r\n"
        b"Content-Type: application/x-protobuf\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert LogSpans.parse(bus.envelope.payload).experiment_id == "1?"


async def test_truncated_gzip_is_refused(client, bus):
    body = gzip.compress(body_of(*(a_span(number) for number in range(1, 100))))
    headers = PROTOBUF | {"Content-Encoding": "gzip"}
    response = await client.post(PATH, data=body[:-10], headers=headers)
    assert (response.status, "not a complete gzip" in await refusal(response)) == (400, True)
    assert not bus.sent


@pytest.mark.parametrize("headers", [PROTOBUF, JSON])
async def test_gzip_bomb_is_given_up_at_the_limit(gateways, settings, bus, client, headers):
    own = settings.model_copy(
        update={"max_otlp_bytes": 1_000_000, "max_otlp_bytes_held": 1_100_000}
    )
    server = await gateways.enter(bus, own)
    url = f"http://127.0.0.1:{server.port}{PATH}"
    response = await client.post(
        url, data=bomb(200), headers=headers | {"Content-Encoding": "gzip"}
    )
    assert (response.status, "at most 1000000 bytes" in await refusal(response)) == (413, True)
    # The room that it took is free again.
    spans = body_of(a_span(text="x" * 900_000))
    assert (await client.post(url, data=spans, headers=PROTOBUF)).status == 200


async def test_too_large_a_body_is_not_received(gateways, settings, bus, client):
    own = settings.model_copy(update={"max_otlp_bytes": 1000})
    server = await gateways.enter(bus, own)
    url = f"http://127.0.0.1:{server.port}{PATH}"
    response = await client.post(
        url, data=body_of(a_span(text="x" * 2000)), headers=PROTOBUF, expect100=True
    )
    assert response.status == 413
    assert not bus.sent


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '"\\ud800"',
        '{"model": "\\ud800"}',
        '{"messages": [{"role": "user", "content": "\\udfff"}]}',
        '{"request":' * 300 + "1" + "}" * 300,
        "1" * 10_000,
        '{"model": ' + "1" * 10_000 + "}",
        '{"model": "\\u0000"}',
        "\0",
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        "input.value",
        "session.id",
        "user.id",
        "mlflow.spanType",
        "mlflow.llm.model",
        "mlflow.chat.tokenUsage",
        "mlflow.llm.cost",
        "mlflow.traceTag.t",
        "gen_ai.operation.name",
        "gen_ai.usage.input_tokens",
        "span.type",
        "ai.operationId",
    ],
)
def test_odd_text_in_an_attribute_is_stored(name, text):
    span = a_span()
    span.attributes.add(key=name).value.string_value = text
    span.events.add(name="gen_ai.user.message").attributes.add(
        key="content"
    ).value.string_value = text
    (stored,) = of(body_of(span), "application/x-protobuf")
    payload = stored.model_dump_json().encode()
    assert "\0" not in payload.decode()
    LogSpans.parse(payload)


async def test_nul_is_replaced_where_postgresql_can_not_hold_it(client, bus):
    span = a_span(name="a\0b", text="c\0d")
    await client.post(PATH, data=body_of(span, key="e\0f"), headers=PROTOBUF)
    stored = LogSpans.parse(bus.envelope.payload)
    assert stored.spans[0].name == "a\ufffdb"
    assert stored.traces[0].tags == {"key": "e\ufffdf"}
    content = json.loads(stored.spans[0].content)
    assert (content["name"], json.loads(content["attributes"]["text"])) == ("a\0b", "c\0d")


def of(body, media_type):
    """Return the command of a request."""
    traces, spans = Traces(), []
    for received in split(body, media_type):
        read = read_span(received.read(), received.resource, NO_PRICES)
        traces.add(read.span.trace_id, said_by(read, received.resource))
        spans.append(read.span)
    yield LogSpans(experiment_id="1", spans=spans, traces=list(traces))


def survives(body, media_type):
    try:
        for command in of(body, media_type):
            LogSpans.parse(command.model_dump_json().encode())
    except (DomainError, SpanRefusedError):
        pass


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    survives(body, "application/x-protobuf")
    survives(body, "application/json")
    survives(wire_of(body), "application/x-protobuf")


_TEXTS = st.text(alphabet='aA1\0\udfff\u00e9"\\{}[]', max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["traceId", "name", "attributes", "events", "links", "status", "kind", "parentSpanId"]
        ),
        _VALUES,
    )
)
def test_any_fields_are_read_or_refused(fields):
    span = {"traceId": TRACE.hex(), "spanId": "00" * 7 + "01", **fields}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    survives(body, "application/json")


@given(
    st.dictionaries(
        st.sampled_from(["input.value", "span.type", "mlflow.spanInputs", "lk.x"]), _VALUES
    )
)
def test_any_attributes_are_stored(values):
    span = a_span()
    for key, value in values.items():
        span.attributes.add(key=key).value.string_value = json.dumps(value)
    (command,) = of(body_of(span), "application/x-protobuf")
    LogSpans.parse(command.model_dump_json().encode())
