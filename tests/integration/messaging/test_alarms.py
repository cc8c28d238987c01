"""RabbitMQ has an alarm for its memory: it reads nothing of those who publish, until the alarm ends."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.messaging.conftest import send

ALARM = "{resource_limit, memory, node()}"
CALL_SECONDS = 2.0
CALLS = 50

pytestmark = pytest.mark.parametrize("link", ["amqp"], indirect=True)


@asynccontextmanager
async def alarm(rabbitmq):
    await rabbitmq.control("eval", f"rabbit_alarm:set_alarm({{{ALARM}, []}}).")
    try:
        yield
    finally:
        await rabbitmq.control("eval", f"rabbit_alarm:clear_alarm({ALARM}).")


async def outcome(client, **fields):
    """Return the error of a call, or None."""
    try:
        await send(client, "Add", name="a", seconds=CALL_SECONDS, **fields)
    except DomainError as error:
        return error.code
    return None


async def block(client):
    """Send calls until RabbitMQ says that it takes none, and return their outcomes."""
    outcomes = []
    while client.ready:
        outcomes += await asyncio.gather(*(outcome(client) for _ in range(3)))
    return outcomes


async def test_calls_are_refused_at_once_and_none_is_lost(bus, rabbitmq):
    client = await bus.client()
    await bus.worker()
    assert await outcome(client) is None
    async with alarm(rabbitmq):
        outcomes = await block(client)
        tasks = len(asyncio.all_tasks())
        began = time.monotonic()
        refused = await asyncio.gather(*(outcome(client) for _ in range(CALLS)))
        assert time.monotonic() - began < CALL_SECONDS / 2
        assert set(refused) == {ErrorCode.REQUEST_LIMIT_EXCEEDED}
        # The client's probe meanwhile asks for the number of consumers.
        await asyncio.sleep(2.5)
        assert len(asyncio.all_tasks()) <= tasks
    async with asyncio.timeout(10):
        while await outcome(client) is not None:
            await asyncio.sleep(0.05)
    acknowledged = 2 + outcomes.count(None)
    uncertain = outcomes.count(ErrorCode.TEMPORARILY_UNAVAILABLE)
    assert acknowledged <= await bus.total("a") <= acknowledged + uncertain


async def test_workers_and_clients_end_during_an_alarm(bus, rabbitmq):
    client = await bus.client()
    worker = await bus.worker()
    async with alarm(rabbitmq):
        await block(client)
        async with asyncio.timeout(20):
            await asyncio.gather(worker.drain(), client.close())
