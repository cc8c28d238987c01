"""A message that no queue takes is kept by its sender, on RabbitMQ."""

import asyncio
from contextlib import asynccontextmanager

import aio_pika
import pytest
from structlog.testing import capture_logs

from shared.messaging.declarations import mark
from shared.messaging.processor import RetryLaterError
from shared.messaging.transport import BrokerUnavailableError
from shared.postgres.event_executor import EventExecutor
from tests.integration.messaging import toy
from tests.integration.messaging.conftest import send
from tests.integration.messaging.test_events import changed

pytestmark = pytest.mark.parametrize("link", ["amqp"], indirect=True)


class AvailableLater(EventExecutor):
    """Finds its database unavailable at first."""

    tries = 0

    async def event(self, event):
        self.tries += 1
        if self.tries == 1:
            raise RetryLaterError
        await super().event(event)


@asynccontextmanager
async def without_queue(bus, url, name):
    """Delete a queue. Declare the topology again after the block, and not before: the mark prevents it."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        provisioned = await channel.declare_exchange(mark(toy.LAYOUT), durable=True)
        await channel.queue_delete(name)
        yield
        await provisioned.delete()
    transport = bus.connect()
    await transport.start()
    await transport.close()


async def not_moved(lines):
    async with asyncio.timeout(10):
        while "message_not_moved" not in [line["event"] for line in lines]:
            await asyncio.sleep(0.02)


async def test_an_event_is_kept_while_its_retry_queue_is_missing(bus, amqp_vhost_url):
    await bus.worker(events=AvailableLater(bus.pool, toy.HANDLERS))
    async with without_queue(bus, amqp_vhost_url, "toy.events.retry"):
        with capture_logs() as lines:
            await bus.publish(changed("a"))
            await not_moved(lines)
    assert await bus.handled_events(1) == ["1: a"]


async def test_an_event_is_kept_while_the_queue_of_dead_letters_is_missing(bus, amqp_vhost_url):
    await bus.worker(events=EventExecutor(bus.pool, toy.HANDLERS))
    async with without_queue(bus, amqp_vhost_url, "toy.events.dead-letters"):
        with capture_logs() as lines:
            await bus.publish(changed("poison"))
            await not_moved(lines)
    async with asyncio.timeout(10):
        while not await bus.broker.dead("events"):
            await asyncio.sleep(0.05)


async def test_a_poison_command_is_kept_while_the_queue_of_dead_letters_is_missing(
    bus, amqp_vhost_url
):
    await bus.worker()
    client = await bus.client()
    async with without_queue(bus, amqp_vhost_url, "toy.commands.dead-letters"):
        with capture_logs() as lines:
            call = asyncio.ensure_future(send(client, "Crash"))
            await not_moved(lines)
    assert b"error id" in (await call).body
    assert await bus.broker.dead() == 1


async def test_an_event_stays_in_the_outbox_while_its_subscribers_queue_is_missing(
    bus, amqp_vhost_url
):
    await bus.worker()
    client = await bus.client()
    await send(client, "Add", name="a")
    async with without_queue(bus, amqp_vhost_url, "toy.events"):
        with pytest.raises(BrokerUnavailableError):
            await bus.relay()
    assert await bus.relay() == 1
    assert await bus.relay() == 0
    await bus.worker(events=EventExecutor(bus.pool, toy.HANDLERS))
    assert await bus.handled_events(1) == ["1: a"]
