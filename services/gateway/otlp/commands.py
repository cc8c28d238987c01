"""Sends spans to the traces service, in commands that fit into frames."""

import asyncio
from dataclasses import dataclass

from pydantic_core import to_json

from services.gateway.otlp.prices import Prices
from services.gateway.otlp.requests import Received
from services.gateway.otlp.spans import SpanRefusedError, read_span
from services.gateway.otlp.traces import Said, Traces, said_by
from services.gateway.service_client import ServiceClient
from shared.contracts import limits
from shared.contracts.spans import LogSpans
from shared.runtime.tasks import cancel_and_wait

UNDER_WAY = 4
"""Commands of one request that wait for their answer. They bound the memory that a large request takes, and what one
client takes of the bus."""

LARGEST = 3 * limits.SPAN_JSON
"""Bytes of one span inside a command. Beyond them the frame may not fit into a message of RabbitMQ."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A span as JSON, and what it says about its trace."""

    trace_id: str
    is_root: bool
    json: bytes
    said: Said


def prepare(received: Received, prices: Prices) -> Prepared:
    """Read a span and write it as JSON. For a span of megabytes this takes a tenth of a second or more.

    Raises SpanRefusedError for a span that can't be stored, or that fits into no command.
    """
    read = read_span(received.read(), received.resource, prices)
    said = said_by(read, received.resource)
    json = read.span.model_dump_json(exclude_none=True).encode()
    if len(json) > LARGEST:
        raise SpanRefusedError(f"The span is larger than {LARGEST} bytes of JSON.")
    return Prepared(read.span.trace_id, not read.span.parent_span_id, json, said)


class Commands:
    """The commands of one request. ``close`` must be called in the end, also after an error."""

    def __init__(self, services: ServiceClient, experiment_id: str) -> None:
        self._services = services
        self._experiment_id = experiment_id
        self._slots = asyncio.Semaphore(UNDER_WAY)
        self._under_way: list[asyncio.Task[None]] = []
        self._said = 0
        self._start()

    async def finish(self) -> None:
        """Send the last command, and wait until all are answered. Raises DomainError."""
        await self._send()
        await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        """Give up the commands without an answer."""
        await cancel_and_wait(self._under_way)

    async def add(self, prepared: Prepared) -> None:
        """Add a span, and send the command if it is full.

        A command has the tags of a resource once for each of its traces. Raises SpanRefusedError if those of the
        request are too much by that, and the DomainError of an earlier command.
        """
        span = prepared.json
        said = 0 if prepared.trace_id in self._traces else prepared.said.size
        if self._spans and (
            self._size + len(span) + said > limits.SPANS_JSON or len(self._spans) == limits.SPANS
        ):
            await self._send()
            said = prepared.said.size
        if self._said + said > limits.OTLP_TAGS:
            raise SpanRefusedError(
                f"The tags of the request's traces have more than {limits.OTLP_TAGS} characters. Send smaller "
                "batches, or a resource with fewer attributes."
            )
        self._spans.append(span)
        self._size += len(span) + said
        self._said += said
        self._traces.add(prepared.trace_id, prepared.said)

    def _start(self) -> None:
        self._spans: list[bytes] = []
        self._size = 0
        self._traces = Traces()

    async def _send(self) -> None:
        if not self._spans:
            return
        traces = [each.model_dump(exclude_none=True) for each in self._traces]
        payload = b'{"experiment_id":%b,"spans":[%b],"traces":%b}' % (
            to_json(self._experiment_id),
            b",".join(self._spans),
            to_json(traces),
        )
        self._start()
        await self._slots.acquire()
        for task in [each for each in self._under_way if each.done()]:
            self._under_way.remove(task)
            task.result()  # Raises its error: the rest of the request is not sent.
        self._under_way.append(asyncio.create_task(self._call(payload)))

    async def _call(self, payload: bytes) -> None:
        try:
            await self._services.forward(LogSpans, payload)
        finally:
            self._slots.release()
