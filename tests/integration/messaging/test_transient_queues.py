"""The type of the queues of transient messages is a setting that processes are given one after another."""

import asyncio
import json
from dataclasses import replace

import aio_pika
import pytest

from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.messages import Answer
from shared.messaging.worker import Worker
from tests.integration.messaging import toy
from tests.integration.messaging.conftest import send


class Named:
    """Answers each query with its own name."""

    def __init__(self, name):
        self.name = name

    async def commands(self, frame, *, redelivered):
        raise NotImplementedError(frame, redelivered)

    async def query(self, envelope):  # noqa: ARG002
        return Answer(json.dumps(self.name).encode())


@pytest.fixture
async def start(amqp_vhost_url):
    """Start a worker, or a client, that wants queues of a type."""
    closing = []

    async def start(transient_queues, name=None):
        transport = AmqpTransport(
            amqp_vhost_url,
            party="toy",
            services=["toy"],
            layout=replace(toy.LAYOUT, transient_queues=transient_queues),
        )
        if name is None:
            client = BusClient(transport)
            closing.append(client.close)
            await client.start()
            return client
        worker = Worker(transport, "toy", Named(name))
        closing.append(worker.drain)
        await worker.start()
        return worker

    yield start
    for close in reversed(closing):
        await close()


async def names(client, wanted):
    """Ask until both have answered."""
    found = set()
    async with asyncio.timeout(15):
        while found != wanted:
            answer = await send(client, "Read", name="a")
            found.add(json.loads(answer.body))
    return found


@pytest.mark.parametrize("types", [("classic", "quorum"), ("quorum", "classic")])
async def test_processes_that_want_different_types_work_on_one_queue(start, amqp_vhost_url, types):
    await start(types[0], "first")
    client = await start(types[0])
    assert await names(client, {"first"})
    await start(types[1], "second")
    async with asyncio.timeout(15):
        while not client.ready:
            await asyncio.sleep(0.1)
    assert await names(client, {"first", "second"})
    async with (
        await aio_pika.connect(amqp_vhost_url) as connection,
        connection.channel() as channel,
    ):
        await channel.declare_queue(
            "toy.queries",
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": 20},
        )
