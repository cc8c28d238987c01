"""Spans of requests, calls and frames, and none without tracing."""

import time
from typing import Any, cast

import pytest
from aiohttp import ClientSession
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode

from services.gateway.app import create_app
from services.gateway.http.routing import traced
from services.gateway.http.server import serve
from services.gateway.settings import Settings
from shared.contracts.errors import ErrorCode, invalid
from shared.messaging.client import BusClient
from shared.messaging.events import ReceivedEvent
from shared.messaging.memory import MemoryBroker, MemoryTransport
from shared.messaging.messages import Answer, Envelope, Frame, new_id
from shared.messaging.processor import Outcome
from shared.messaging.worker import Worker
from shared.runtime.settings import TracingSettings
from shared.runtime.starting import StartError
from shared.tracing.hooks import OFF
from shared.tracing.start import start_tracing
from tests.spans import CLIENT, PARENT, TRACE, Recorded, is_child, same_trace

CREATE = "/api/2.0/mlflow/runs/create"
OTHER = CLIENT.replace("0af7", "1af7")


class Toy:
    """Answers each message with what it is told."""

    def __init__(self, answer=None):
        self.answer = answer or Answer(b"{}")
        self.frames = []

    async def commands(self, frame, *, redelivered):  # noqa: ARG002
        self.frames.append(frame)
        return Outcome(dict.fromkeys(range(len(frame.envelopes)), self.answer))

    async def query(self, envelope):  # noqa: ARG002
        return self.answer


def envelope(traceparent="", name="CreateRun"):
    deadline = time.time() + 10
    return Envelope(
        new_id(), name, 7, b'{"secret": 1}', deadline, request_id="r-1", traceparent=traceparent
    )


@pytest.fixture
def recorded():
    return Recorded()


@pytest.fixture
def toy():
    return Toy()


@pytest.fixture
async def connected(recorded, toy):
    """Run a gateway and workers on the memory transport, all traced; access knows no token."""
    broker = MemoryBroker(["tracking", "access"])
    workers = [
        Worker(MemoryTransport(broker), name, recorded.tracing.processor(processor, name))
        for name, processor in (("tracking", toy), ("access", Toy()))
    ]
    for worker in workers:
        await worker.start()
    bus = BusClient(MemoryTransport(broker))
    settings = Settings(port=0)
    app = create_app(bus, settings, recorded.tracing)
    await bus.start()
    server = await serve(app, settings)
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
    await server.close()
    await bus.close()
    for worker in workers:
        await worker.drain()


async def create(client, **headers):
    async with client.post(CREATE, json={"tags": [{"secret": 1}]}, headers=headers) as response:
        return response.status


async def test_request_is_one_trace_as_far_as_the_worker(connected, recorded):
    assert await create(connected, traceparent=CLIENT) == 200
    request = recorded.one(f"POST {CREATE}")
    sent = recorded.one("send tracking.transient-commands")
    processed = recorded.one("process tracking.transient-commands")
    assert (request.context.trace_id, request.parent.span_id) == (TRACE, PARENT)
    assert is_child(sent, request)
    assert is_child(processed, sent)
    assert request.attributes["http.response.status_code"] == 200
    assert sent.attributes["warren.messages"] == ("CreateRun",)
    assert "secret" not in recorded.text()


async def test_question_about_a_token_is_part_of_the_request_that_it_is_asked_for(
    connected, recorded
):
    assert await create(connected, traceparent=CLIENT, Authorization="Bearer unknown") == 401
    asked = recorded.one("send access.queries")
    assert is_child(asked, recorded.one(f"POST {CREATE}"))
    assert is_child(recorded.one("process access.queries"), asked)


async def test_event_is_part_of_the_trace_of_what_it_tells_of(recorded):
    heard = []

    class Listener:
        async def event(self, event):
            heard.append(event)

    events = recorded.tracing.events(Listener(), "tracking")
    for traceparent in (CLIENT, ""):
        await events.event(ReceivedEvent(new_id(), 7, "run.purged", b"secret", traceparent))
    assert len(heard) == 2
    span = recorded.one("process tracking.events")
    assert (span.context.trace_id, span.parent.span_id) == (TRACE, PARENT)
    assert span.attributes["warren.messages"] == ("run.purged",)
    assert "secret" not in recorded.text()


async def test_what_another_server_is_asked_for_is_a_span_of_traced_work_only(recorded):
    async def work():
        return 200

    async def outgoing():
        return await recorded.tracing.outgoing("PUT storage", {"a": "b"}, work)

    assert await outgoing() == 200
    assert not recorded.spans
    assert await recorded.tracing.request("PUT", "/", {}, outgoing, int) == 200
    span = recorded.one("PUT storage")
    assert is_child(span, recorded.one("PUT /"))
    assert span.attributes["a"] == "b"


async def test_request_without_a_trace_begins_one(connected, recorded):
    await create(connected)
    assert recorded.one(f"POST {CREATE}").parent is None
    assert len({span.context.trace_id for span in recorded.spans}) == 1


async def test_trace_that_its_client_does_not_sample_is_not_recorded(connected, recorded):
    await create(connected, traceparent=CLIENT[:-1] + "0")
    assert not recorded.spans


@pytest.mark.parametrize("header", ["nonsense", "00-0-0-01", CLIENT.replace("0af7", "xxxx"), ""])
async def test_unreadable_trace_is_no_error(connected, recorded, header):
    assert await create(connected, traceparent=header) == 200
    assert recorded.one(f"POST {CREATE}").parent is None


async def test_refusal_names_its_code_and_is_no_failure(connected, recorded, toy):
    toy.answer = Answer.refusal(invalid("secret"))
    assert await create(connected) == 400
    for name in ("send tracking.transient-commands", "process tracking.transient-commands"):
        span = recorded.one(name)
        assert span.attributes["error.type"] == "INVALID_PARAMETER_VALUE"
        assert span.status.status_code is StatusCode.UNSET
    assert "secret" not in recorded.text()


async def test_internal_error_is_a_failure_of_all_spans(connected, recorded, toy):
    toy.answer = Answer(b"secret", ErrorCode.INTERNAL_ERROR)
    assert await create(connected) == 500
    assert {span.status.status_code for span in recorded.spans} == {StatusCode.ERROR}
    assert len(recorded.spans) == 3


async def test_frame_of_several_traces_is_in_each_of_them(recorded, toy):
    processor = recorded.tracing.processor(toy, "tracking")
    frame = Frame(new_id(), "commands", [envelope(), envelope(CLIENT), envelope(OTHER)])
    await processor.commands(frame, redelivered=True)
    other, first = recorded.named("process tracking.commands")
    assert first.context.trace_id == TRACE
    assert not same_trace(other, first)
    assert first.attributes["messaging.batch.message_count"] == 3
    assert first.attributes["warren.redelivered"] is True
    assert [link.context.trace_id for link in first.links] == [other.context.trace_id]
    assert [link.context.span_id for link in other.links] == [first.context.span_id]


async def test_work_that_nobody_traces_has_no_span(recorded, toy):
    processor = recorded.tracing.processor(toy, "tracking")
    await processor.commands(Frame(new_id(), "commands", [envelope()]), redelivered=False)
    await processor.query(envelope())
    assert not recorded.spans


async def test_exception_fails_the_span_without_its_text(recorded):
    class Broken:
        ready = True

        async def call(self, *_):
            raise ZeroDivisionError("secret")

    with pytest.raises(ZeroDivisionError):
        await recorded.tracing.bus(Broken()).call("tracking", "queries", envelope())
    span = recorded.one("send tracking.queries")
    assert span.attributes["error.type"] == "ZeroDivisionError"
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in recorded.text()


async def test_trace_that_is_not_sampled_goes_on_unsampled(toy):
    off = Recorded(ALWAYS_OFF)
    with off.tracing.calling("tracking", "queries", envelope()) as (_, traceparent):
        assert not int(traceparent[-2:], 16) & 1
    processor = off.tracing.processor(toy, "tracking")
    await processor.query(envelope(traceparent))
    assert not off.spans


def test_without_a_collector_nothing_is_between_the_parts():
    tracing = start_tracing("gateway", TracingSettings())
    bus, processor, events, handler = (cast("Any", object()) for _ in range(4))
    assert tracing is OFF
    assert tracing.bus(bus) is bus
    assert tracing.processor(processor, "tracking") is processor
    assert tracing.events(events, "tracking") is events
    assert traced(handler, "GET", "/", tracing) is handler
    assert tracing.query_logger is None


def test_collector_without_the_extra_is_a_line_that_says_so(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "shared.tracing.export", None)
    with pytest.raises(StartError, match=r"warren\[tracing\]"):
        start_tracing("gateway", TracingSettings(endpoint="http://127.0.0.1:4318/v1/traces"))
