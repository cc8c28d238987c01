"""Spans of OpenTelemetry are stored through gateway, bus and service, whole and once."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.rpc import status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.rest import Api, api
from tests.unit.gateway.otlp.requests import END, PROTOBUF, START, a_span, body_of

V3 = "/api/3.0/mlflow/traces"
_numbers = random.Random(19)


class Otlp:
    """One experiment, to which spans are sent."""

    def __init__(self, rest: Api, url: str, experiment_id: str) -> None:
        self.rest, self.url, self.experiment_id = rest, url, experiment_id

    async def send(self, *spans: Any, experiment_id: str = "", **headers: str) -> Any:
        """Send one request and return its status, and its answer or error."""
        own = PROTOBUF | {"x-mlflow-experiment-id": experiment_id or self.experiment_id} | headers
        body = body_of(*spans, service_name="test")
        async with self.rest.session.post(
            f"{self.url}/v1/traces", data=body, headers=own
        ) as response:
            answer = ExportTraceServiceResponse if response.status == 200 else status_pb2.Status
            return response.status, answer.FromString(await response.read())

    async def stored(self, *spans: Any, **headers: str) -> None:
        """Send one request that must be accepted as a whole."""
        status, answer = await self.send(*spans, **headers)
        assert status == 200, answer
        assert not answer.partial_success.error_message

    async def get(self, path: str, **query: str) -> Any:
        async with self.rest.session.get(f"{self.url}{V3}{path}", params=query) as response:
            return response.status, await response.json()

    async def info(self, trace_id: bytes) -> Any:
        status, said = await self.get(f"/tr-{trace_id.hex()}")
        assert status == 200, said
        return said["trace"]["trace_info"]

    async def spans(self, trace_id: bytes) -> Any:
        status, said = await self.get("/get", trace_id=f"tr-{trace_id.hex()}", allow_partial="true")
        assert status == 200, said
        return said["trace"]["spans"]


def new_trace() -> bytes:
    return _numbers.randbytes(16)


@pytest.fixture
async def otlp(warren: Any) -> AsyncIterator[Otlp]:
    async with api(warren.url) as rest:
        experiment_id = await rest.new_experiment(f"otlp {new_trace().hex()}")
        yield Otlp(rest, warren.url, experiment_id)


async def test_spans_of_a_trace_come_in_several_requests_in_any_order(otlp: Otlp) -> None:
    trace = new_trace()
    root = a_span(1, trace_id=trace, name="root", end_time_unix_nano=END + 2_000_000)
    root.attributes.add(key="input.value").value.string_value = '{"q": 1}'
    child = a_span(2, trace_id=trace, parent_span_id=root.span_id, name="child")
    leaf = a_span(3, trace_id=trace, parent_span_id=child.span_id, name="leaf")
    await otlp.stored(leaf)
    assert (await otlp.info(trace))["state"] == "IN_PROGRESS"
    await otlp.stored(child)
    await otlp.stored(root)
    info = await otlp.info(trace)
    assert info["state"] == "OK"
    assert info["execution_duration"] == "0.003s"
    assert info["request_preview"] == '{"q": 1}'
    assert info["tags"]["service.name"] == "test"
    assert info["tags"]["mlflow.trace.spansLocation"] == "TRACKING_STORE"
    assert {each["name"] for each in await otlp.spans(trace)} == {"root", "child", "leaf"}


async def test_repeated_spans_are_stored_once(otlp: Otlp) -> None:
    trace = new_trace()
    spans = [a_span(number, trace_id=trace) for number in range(1, 11)]
    for each in spans[1:]:
        each.parent_span_id = spans[0].span_id
        each.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 3
    for _ in range(3):
        await otlp.stored(*spans, *spans[:5])
    assert len(await otlp.spans(trace)) == 10
    usage = (await otlp.info(trace))["trace_metadata"]["mlflow.trace.tokenUsage"]
    assert '"input_tokens": 27' in usage


async def test_finished_span_stays_when_its_unfinished_copy_is_late(otlp: Otlp) -> None:
    trace = new_trace()
    begun = a_span(1, trace_id=trace, end_time_unix_nano=0)
    await otlp.stored(begun)
    assert (await otlp.info(trace))["state"] == "IN_PROGRESS"
    ended = a_span(1, trace_id=trace)
    ended.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="broken"))
    await otlp.stored(ended)
    await otlp.stored(begun)
    (span,) = await otlp.spans(trace)
    assert int(span["end_time_unix_nano"]) == END
    assert span["status"]["message"] == "broken"
    assert (await otlp.info(trace))["state"] == "ERROR"


async def test_concurrent_requests_of_one_trace_lose_nothing(otlp: Otlp) -> None:
    trace = new_trace()
    numbers = range(1, 201)
    spans = [a_span(n, trace_id=trace, start_time_unix_nano=START + n) for n in numbers]
    for each in spans[1:]:
        each.parent_span_id = spans[0].span_id
    parts = [spans[begin : begin + 5] for begin in range(0, len(spans), 5)]
    await asyncio.gather(*(otlp.stored(*part) for part in parts))
    assert len({each["span_id"] for each in await otlp.spans(trace)}) == 200
    assert (await otlp.info(trace))["state"] == "OK"


async def test_unknown_experiment_is_told(otlp: Otlp) -> None:
    status, said = await otlp.send(a_span(trace_id=new_trace()), experiment_id="987654321")
    assert (status, said.code) == (404, 5)
    status, said = await otlp.send(a_span(trace_id=new_trace()), experiment_id="x")
    assert (status, said.code) == (400, 3)


async def test_traces_are_linked_to_their_run(otlp: Otlp) -> None:
    trace = new_trace()
    run_id = await otlp.rest.new_run(otlp.experiment_id)
    await otlp.stored(a_span(trace_id=trace), **{"x-mlflow-run-id": run_id})
    body = {
        "locations": [{"mlflow_experiment": {"experiment_id": otlp.experiment_id}}],
        "filter": f"attributes.run_id = '{run_id}'",
    }
    async with otlp.rest.session.post(f"{otlp.url}{V3}/search", json=body) as response:
        found = await response.json()
    assert [each["trace_id"] for each in found["traces"]] == [f"tr-{trace.hex()}"], found


async def test_trace_of_20_000_spans_and_of_30_megabytes_is_stored_whole(otlp: Otlp) -> None:
    trace = new_trace()
    spans = [a_span(n, "x" * 1500, trace_id=trace) for n in range(1, 20_001)]
    for each in spans[1:]:
        each.parent_span_id = spans[0].span_id
    await otlp.stored(*spans)
    stored = await otlp.spans(trace)
    assert {each["name"] for each in stored} == {each.name for each in spans}
    assert len(stored) == len(spans)
