"""Every line of a handler tells of which request it is."""

import asyncio
import contextvars
import time

import pytest
import structlog
from structlog.testing import capture_logs

from services.artifacts.processor import StorageProcessor
from shared.messaging.client import BusClient
from shared.messaging.memory import MemoryBroker, MemoryTransport
from shared.messaging.messages import Answer, Envelope, new_id
from shared.messaging.processor import Outcome, RetryLaterError
from shared.messaging.worker import Worker
from shared.runtime import log_context
from shared.runtime.log_context import add_context, bound_messages

log = structlog.get_logger()


def envelope(request_id, name="LogMetric", project=7):
    return Envelope(new_id(), name, project, b"{}", time.time() + 10, request_id=request_id)


class Noisy:
    """A processor whose work writes lines."""

    def __init__(self):
        self.fails = False

    async def commands(self, frame, *, redelivered):  # noqa: ARG002
        await asyncio.sleep(0)
        log.info("carried_out")
        if self.fails:
            self.fails = False
            raise RetryLaterError("later")
        return Outcome({i: Answer(b"{}") for i in range(len(frame.envelopes))})

    async def query(self, envelope):
        raise NotImplementedError(envelope)


@pytest.fixture
def lines():
    before = structlog.get_config()
    structlog.configure(processors=[], cache_logger_on_first_use=False)
    with capture_logs([add_context]) as captured:
        yield captured
    structlog.configure(**before)


@pytest.fixture
async def noisy():
    broker = MemoryBroker(["tracking"])
    processor = Noisy()
    worker = Worker(MemoryTransport(broker), "tracking", processor)
    await worker.start()
    client = BusClient(MemoryTransport(broker))
    await client.start()
    yield processor, client
    await client.close()
    await worker.drain()


def test_line_about_one_message_names_it(lines):
    with bound_messages([envelope("r-1")]):
        log.info("event", project="its own")
    assert lines[0] == {
        "event": "event",
        "log_level": "info",
        "request_id": "r-1",
        "message": "LogMetric",
        "project": "its own",
    }


def test_line_about_a_frame_names_all_of_its_requests(lines):
    with bound_messages([envelope("r-1"), envelope("r-2", "LogParam", 8)]):
        log.info("event")
    assert lines[0]["request_ids"] == ["r-1", "r-2"]
    assert lines[0]["messages"] == ["LogMetric", "LogParam"]
    assert lines[0]["projects"] == [7, 8]


def test_line_outside_is_about_nothing(lines):
    with bound_messages([envelope("r-1")]):
        pass
    log.info("event")
    assert "request_id" not in lines[0]


def test_work_that_is_given_up_ends_in_the_context_of_who_collects_it(lines):
    def work():
        with bound_messages([envelope("r-1")]):
            yield

    given_up = work()
    contextvars.Context().run(next, given_up)
    with bound_messages([envelope("r-2")]):
        given_up.close()
        log.info("event")
    assert lines[0]["request_id"] == "r-2"


async def test_line_of_a_worker_names_the_request_that_came_over_the_bus(noisy, lines):
    processor, client = noisy
    processor.fails = True
    log_context.request_id.set("somebody else's")
    await client.call("tracking", "commands", envelope("r-1"))
    seen = {line["event"]: line.get("request_id") for line in lines}
    assert seen["carried_out"] == "r-1"
    assert seen["message_retried"] == "r-1"


async def test_line_of_the_artifacts_service_names_the_request(lines):
    async def fail(_query, _context):
        raise ZeroDivisionError

    from shared.contracts.artifacts import PresignArtifact
    from shared.handling.handlers import Handlers

    processor = StorageProcessor(None, Handlers(single={PresignArtifact: fail}), 1)
    query = Envelope(
        new_id(),
        "PresignArtifact",
        7,
        b'{"method": "GET", "path": "a"}',
        time.time() + 10,
        request_id="r-9",
    )
    answer = await processor.query(query)
    assert answer.error == "INTERNAL_ERROR"
    [line] = [line for line in lines if line["event"] == "message_failed"]
    assert (line["request_id"], line["message"], line["project"]) == ("r-9", "PresignArtifact", 7)
