"""Spans that come to ``/v1/traces`` go to the traces service; the answer says what became of them."""

import asyncio
import gzip
import json
import zlib

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode, missing_resource
from shared.contracts.spans import LogSpans
from shared.contracts.traces import LinkTracesToRun
from shared.messaging.messages import Answer
from shared.runtime.metrics import REGISTRY
from tests.unit.gateway.otlp.requests import (
    END,
    JSON,
    PROTOBUF,
    START,
    TRACE,
    a_span,
    body_of,
    json_of,
)

PATH = "/v1/traces"


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"max_otlp_bytes": 70_000_000})


def commands(bus):
    return [LogSpans.parse(each.payload) for _, _, each in bus.sent if each.name == "LogSpans"]


def command(bus):
    (only,) = commands(bus)
    return only


async def answer_of(response):
    assert response.status == 200, await response.text()
    assert response.headers["Content-Type"] == "application/x-protobuf"
    return ExportTraceServiceResponse.FromString(await response.read()).partial_success


async def status_of(response):
    assert response.headers["Content-Type"] == "application/x-protobuf"
    return Status.FromString(await response.read())


@pytest.mark.parametrize(
    "path", [PATH, "/api/v4/projects/1/ml/mlflow/v1/traces", "/api/v4/projects/1/mlflow/v1/traces"]
)
async def test_spans_go_to_the_traces_service(client, bus, path):
    response = await client.post(path, data=body_of(a_span()), headers=PROTOBUF)
    assert await response.read() == b""
    assert response.headers["Content-Type"] == "application/x-protobuf"
    assert bus.sent[-1][:2] == ("traces", "commands")
    assert bus.envelope.project == 1
    stored = command(bus)
    assert stored.experiment_id == "1"
    (span,) = stored.spans
    assert (span.trace_id, span.span_id, span.parent_span_id) == (
        f"tr-{TRACE.hex()}",
        "0000000000000001",
        "",
    )
    assert (span.name, span.type, span.status) == ("span 1", "UNKNOWN", "UNSET")
    assert (span.start_time_ns, span.end_time_ns) == (START, END)
    assert json.loads(span.content)["attributes"] == {
        "mlflow.traceRequestId": json.dumps(span.trace_id)
    }


async def test_json_says_the_same_as_protobuf(client, bus):
    span = a_span(2, "t", parent_span_id=bytes(7) + b"\x09")
    span.links.add(trace_id=TRACE, span_id=b"12345678")
    span.events.add(name="e", time_unix_nano=START).attributes.add(key="k").value.int_value = 2**60
    span.attributes.add(key="raw").value.bytes_value = b"\x00\xff"
    await client.post(PATH, data=body_of(span, service_name="s"), headers=PROTOBUF)
    response = await client.post(PATH, data=json_of(span, service_name="s"), headers=JSON)
    assert response.headers["Content-Type"] == "application/json"
    assert await response.json() == {}
    of_protobuf, of_json = commands(bus)
    assert of_json == of_protobuf


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_body_may_be_compressed(client, bus, encoding, compress):
    headers = PROTOBUF | {"Content-Encoding": encoding}
    response = await client.post(PATH, data=compress(body_of(a_span())), headers=headers)
    await answer_of(response)
    assert len(command(bus).spans) == 1


async def test_body_may_come_in_chunks(client, bus):
    body = body_of(*(a_span(number) for number in range(1, 100)))

    async def chunks():
        for begin in range(0, len(body), 1000):
            yield body[begin : begin + 1000]

    await answer_of(await client.post(PATH, data=chunks(), headers=PROTOBUF))
    assert len(command(bus).spans) == 99


async def test_request_without_spans_is_answered(client, bus):
    assert (
        await answer_of(await client.post(PATH, data=b"", headers=PROTOBUF))
    ).rejected_spans == 0
    response = await client.post(PATH, data=b"{}", headers=JSON)
    assert (response.status, await response.json()) == (200, {})
    assert not bus.sent


async def test_unfinished_span_has_no_end(client, bus):
    await client.post(PATH, data=body_of(a_span(end_time_unix_nano=0)), headers=PROTOBUF)
    (span,) = command(bus).spans
    assert span.end_time_ns is None
    assert json.loads(span.content)["end_time_unix_nano"] is None


async def test_traces_get_what_their_spans_say(client, bus):
    root, other = a_span(1), a_span(2, trace_id=b"o" * 16, parent_span_id=b"parent00")
    for key, value in {
        "mlflow.traceTag.team": "red",
        "mlflow.traceTag.mlflow.traceName": "name",
        "mlflow.traceTag.mlflow.artifactLocation": "s3://elsewhere",
        "mlflow.traceTag.bad\nkey": "x",
        "session.id": "s-1",
        "user.id": "u-1",
        "input.value": "question",
        "output.value": '{"choices": [{"message": {"role": "assistant", "content": "answer"}}]}',
    }.items():
        root.attributes.add(key=key).value.string_value = value
    other.attributes.add(key="gen_ai.conversation.id").value.string_value = "c" * 251
    body = body_of(root, other, service_name="claude-code", telemetry_sdk_name="x", team="blue")
    await client.post(PATH, data=body, headers=PROTOBUF)
    first, second = command(bus).traces
    assert first.tags == {"service.name": "claude-code", "team": "red", "mlflow.traceName": "name"}
    assert first.metadata == {"mlflow.trace.session": "s-1", "mlflow.trace.user": "u-1"}
    assert (first.request_preview, first.response_preview) == ('"question"', "answer")
    assert second.tags == {"service.name": "claude-code", "team": "blue"}
    assert (second.metadata, second.request_preview) == ({}, None)
    attributes = [json.loads(each.content)["attributes"] for each in command(bus).spans]
    assert attributes[0]["service.name"] == '"claude-code"'
    assert "service.name" not in attributes[1]


async def test_span_is_found_by_what_its_convention_says(client, bus):
    span = a_span()
    values = {"gen_ai.operation.name": "chat", "gen_ai.response.model": "m" * 600}
    for key, value in (values | {"gen_ai.system": "openai"}).items():
        span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 5
    cost = '{"total_cost": 0.5, "input_cost": NaN, "output_cost": "much"}'
    span.attributes.add(key="mlflow.llm.cost").value.string_value = cost
    await client.post(PATH, data=body_of(span), headers=PROTOBUF)
    (stored,) = command(bus).spans
    assert (stored.type, stored.model_name, stored.model_provider) == (
        "CHAT_MODEL",
        "m" * 500,
        "openai",
    )
    assert (stored.token_usage, stored.cost) == ({"input_tokens": 5}, {"total_cost": 0.5})


async def test_rejected_spans_are_counted(client, bus):
    bad = [
        a_span(2, trace_id=b"short"),
        a_span(3, trace_id=bytes(16)),
        a_span(4, span_id=b""),
        a_span(5, parent_span_id=b"x"),
        a_span(6, start_time_unix_nano=2**63),
    ]
    answer = await answer_of(
        await client.post(PATH, data=body_of(a_span(), *bad), headers=PROTOBUF)
    )
    assert answer.rejected_spans == 5
    assert answer.error_message == (
        "A trace id has 16 bytes, not 5. A trace id must not be zero. A span id has 8 bytes, not 0."
    )
    assert len(command(bus).spans) == 1
    response = await client.post(PATH, data=json_of(a_span(), *bad), headers=JSON)
    assert (await response.json())["partialSuccess"]["rejectedSpans"] == "5"


async def test_spans_are_counted_by_what_became_of_them(client):
    def counted():
        name = "warren_otlp_spans_total"
        return [REGISTRY.get_sample_value(name, {"outcome": o}) for o in ("stored", "rejected")]

    stored, rejected = counted()
    bad = a_span(2, trace_id=b"short")
    await client.post(PATH, data=body_of(a_span(), a_span(3), bad), headers=PROTOBUF)
    assert counted() == [stored + 2, rejected + 1]


async def test_request_of_bad_spans_alone_is_refused(client, bus):
    response = await client.post(PATH, data=body_of(a_span(trace_id=b"x")), headers=PROTOBUF)
    status = await status_of(response)
    assert (response.status, status.code) == (400, 3)
    assert status.message == "A trace id has 16 bytes, not 1."
    assert not bus.sent


@pytest.mark.parametrize(("number", "characters"), [(limits.SPANS + 1, 1), (40, 100_000)])
async def test_many_spans_go_in_several_commands(client, bus, number, characters):
    spans = [a_span(each, "x" * characters) for each in range(1, number + 1)]
    await answer_of(await client.post(PATH, data=body_of(*spans), headers=PROTOBUF))
    sent = commands(bus)
    assert len(sent) > 1
    assert all(len(each.spans) <= limits.SPANS for each in sent)
    assert all(sum(len(span.content) for span in each.spans) <= limits.SPANS_JSON for each in sent)
    assert [span.span_id for each in sent for span in each.spans] == [
        s.span_id.hex() for s in spans
    ]
    assert all(len(each.traces) == 1 for each in sent)


async def test_large_span_goes_alone_and_too_large_one_not_at_all(client, bus):
    texts = ("a", "b" * 3_000_000, "c", "d" * (limits.SPAN_JSON + 1))
    spans = [a_span(number, text) for number, text in enumerate(texts, 1)]
    answer = await answer_of(await client.post(PATH, data=body_of(*spans), headers=PROTOBUF))
    assert answer.rejected_spans == 1
    assert "at most 8388608 characters" in answer.error_message
    assert [[span.name for span in each.spans] for each in commands(bus)] == [
        ["span 1"],
        ["span 2"],
        ["span 3"],
    ]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "full"), 429, 8),
        (DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "unknown"), 503, 14),
        (missing_resource("No Experiment with id=1 exists"), 404, 5),
    ],
)
async def test_error_of_the_service_is_told(client, bus, error, status, code):
    bus.reply = Answer.refusal(error)
    response = await client.post(PATH, data=body_of(a_span()), headers=PROTOBUF)
    told = await status_of(response)
    assert (response.status, told.code, told.message) == (status, code, error.message)
    assert ("Retry-After" in response.headers) == (status in (429, 503))
    response = await client.post(PATH, data=json_of(a_span()), headers=JSON)
    assert await response.json() == {
        "code": code,
        "error_code": error.code,
        "message": error.message,
    }


async def test_first_error_ends_the_request(client, bus):
    bus.reply = Answer.refusal(DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "full"))
    spans = [a_span(number, "x" * 500_000) for number in range(1, 41)]
    response = await client.post(PATH, data=body_of(*spans), headers=PROTOBUF)
    assert response.status == 429
    assert len(bus.sent) < 20


async def test_traces_are_linked_to_the_run(client, bus):
    spans = (a_span(1), a_span(2, trace_id=b"o" * 16), a_span(3, parent_span_id=b"12345678"))
    headers = PROTOBUF | {"x-mlflow-run-id": "r"}
    await answer_of(await client.post(PATH, data=body_of(*spans), headers=headers))
    assert [envelope.name for _, _, envelope in bus.sent] == ["LogSpans", "LinkTracesToRun"]
    link = LinkTracesToRun.parse(bus.envelope.payload)
    assert link.run_id == "r"
    assert link.trace_ids == [f"tr-{TRACE.hex()}", f"tr-{(b'o' * 16).hex()}"]


async def test_failed_link_is_a_warning(client, bus):
    bus.replies["LinkTracesToRun"] = Answer.refusal(missing_resource("no such run"))
    headers = PROTOBUF | {"x-mlflow-run-id": "r"}
    answer = await answer_of(await client.post(PATH, data=body_of(a_span()), headers=headers))
    assert answer.rejected_spans == 0
    assert answer.error_message == ("The spans are stored, but not linked to the run: no such run")


async def test_child_spans_link_nothing(client, bus):
    headers = PROTOBUF | {"x-mlflow-run-id": "r"}
    await client.post(PATH, data=body_of(a_span(parent_span_id=b"12345678")), headers=headers)
    assert [envelope.name for _, _, envelope in bus.sent] == ["LogSpans"]


async def test_bodies_share_the_gateways_room(gateways, bus, settings, client):
    own = settings.model_copy(update={"max_otlp_bytes_held": 150_000})
    server = await gateways.enter(bus, own)
    url = f"http://127.0.0.1:{server.port}{PATH}"
    body = body_of(a_span(text="x" * 100_000))
    bus.hold.clear()
    first = asyncio.create_task(client.post(url, data=body, headers=PROTOBUF))
    await bus.called.wait()
    refused = await client.post(url, data=body, headers=PROTOBUF)
    assert (refused.status, (await status_of(refused)).code) == (429, 8)
    assert int(refused.headers["Retry-After"]) >= 1
    bus.hold.set()
    assert (await first).status == 200
    assert (await client.post(url, data=body, headers=PROTOBUF)).status == 200


async def test_tags_of_many_traces_fit_into_commands_and_have_a_limit(client, bus):
    """A small request says much: each trace gets the tags of the resource."""
    tags = {f"key{number}": "v" * 8000 for number in range(7)}
    size = sum(len(key) + len(value) for key, value in tags.items())
    most = limits.OTLP_TAGS // size
    spans = [a_span(number, trace_id=number.to_bytes(16, "big")) for number in range(1, most + 11)]
    answer = await answer_of(
        await client.post(PATH, data=body_of(*spans, **tags), headers=PROTOBUF)
    )
    assert answer.rejected_spans == 10
    assert "tags of the request's traces have more than" in answer.error_message
    payloads = [each.payload for _, _, each in bus.sent if each.name == "LogSpans"]
    assert max(map(len, payloads)) < 1.1 * limits.SPANS_JSON
    stored = [trace for each in commands(bus) for trace in each.traces]
    assert len({trace.trace_id for trace in stored}) == most
    assert all(len(trace.tags) == len(tags) for trace in stored)
