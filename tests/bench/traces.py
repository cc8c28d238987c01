"""Traces that are read, the same for each peer that takes traces, and the templates of those that are written."""

import asyncio
from http import HTTPStatus

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.bench.operations import READ_TRACES, SEARCHED_TRACES
from tests.bench.otlp import LONG_TRACE, request, start_trace, trace_id, write_templates
from tests.bench.peers import Peer
from tests.rest import TIMESTAMP, Api, api

_AT_ONCE = 4


async def prepare_traces(peer: Peer) -> None:
    """Make an experiment with traces to search and to read, through the peer's API."""
    peer.templates = peer.server.data.with_name("templates")
    write_templates(peer.templates)
    gate = asyncio.Semaphore(_AT_ONCE)
    async with api(peer.url) as rest:
        peer.traced_experiment = await rest.new_experiment("traced")
        experiment = await rest.new_experiment("traces")
        peer.searched_traces = experiment

        async def searched(number: int) -> None:
            async with gate:
                trace = f"tr-{number:032x}"
                body = start_trace(trace, experiment, TIMESTAMP + number)
                await rest.done("/api/3.0/mlflow/traces", body)

        await asyncio.gather(*(searched(number) for number in range(SEARCHED_TRACES)))
        peer.traces = [await _read_trace(rest, experiment, n) for n in range(READ_TRACES)]


async def _read_trace(rest: Api, experiment: str, number: int) -> str:
    """Make a trace with all its spans. Each request that is measured has been tried so: a refused span raises."""
    marker = number.to_bytes(6, "big")
    headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": experiment}
    body = request([LONG_TRACE], marker)
    async with rest.session.post("/v1/traces", data=body, headers=headers) as response:
        answer = await response.read()
    said = ExportTraceServiceResponse()
    if response.status == HTTPStatus.OK:
        said.ParseFromString(answer)
    trace = trace_id(marker.hex())
    read = await rest.get("/api/3.0/mlflow/traces/get", trace_id=trace)
    if said.partial_success.rejected_spans or len(read.body["trace"]["spans"]) != LONG_TRACE:
        message = f"Spans were not stored: {response.status} {answer!r} {read}"
        raise AssertionError(message)
    return trace
