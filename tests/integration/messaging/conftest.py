"""One behaviour suite, run against each transport on a real PostgreSQL."""

import asyncio
import json
import time
from contextlib import AsyncExitStack

import pytest

from shared.contracts.message import Kind
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.dead_letters import dead_letters
from shared.messaging.memory import MemoryBroker, MemoryTransport
from shared.messaging.messages import Envelope, Frame, new_id
from shared.messaging.topology import dead_letter_queue
from shared.messaging.transport import Publication
from shared.messaging.worker import Worker
from shared.postgres.executor import Executor
from shared.postgres.migrate import load_migrations, migrate
from shared.postgres.outbox import relay_once
from shared.postgres.pool import open_pool
from tests.integration.messaging import toy


class Bus:
    """Makes clients and workers on one transport, and closes them at the end."""

    def __init__(self, connect, pool, stack, broker) -> None:
        self.connect = connect
        self.pool = pool
        self.broker = broker
        self._stack = stack

    async def client(self, *, listener=None, **settings) -> BusClient:
        """Start a client; ``settings`` are the keyword arguments of ``BusClient``."""
        client = BusClient(self.connect(), **settings)
        if listener:
            client.subscribe(listener.topics, listener.on_event, listener.on_missed)
        await client.start()
        self._stack.push_async_callback(client.close)
        return client

    async def worker(self, processor=None, *, events=None) -> Worker:
        worker = Worker(self.connect(), "toy", processor or Executor(self.pool, toy.HANDLERS))
        await worker.start(events)
        self._stack.push_async_callback(worker.drain)
        return worker

    async def publish(self, *publications: Publication) -> None:
        transport = self.connect()
        await transport.start()
        self._stack.push_async_callback(transport.close)
        for publication in publications:
            await transport.publish(publication)

    async def relay(self) -> int:
        """Publish what is in the outbox."""
        transport = self.connect()
        await transport.start()
        self._stack.push_async_callback(transport.close)
        return await relay_once(self.pool, transport)

    async def handled_events(self, count: int) -> list[str]:
        """Wait until so many events are handled, and a little longer, and return them all."""
        for _ in range(100):
            rows = await self.pool.fetch("SELECT name FROM log ORDER BY position")
            if len(rows) >= count:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        return [row["name"] for row in await self.pool.fetch("SELECT name FROM log ORDER BY name")]

    async def total(self, name: str) -> int:
        value = await self.pool.fetchval("SELECT total FROM counters WHERE name = $1", name)
        return value or 0


class Recording(Executor):
    """Remembers the frames that it was given."""

    def __init__(self, pool) -> None:
        super().__init__(pool, toy.HANDLERS)
        self.frames: list[Frame] = []
        self.redelivered: list[bool] = []

    async def commands(self, frame, *, redelivered):
        self.frames.append(frame)
        self.redelivered.append(redelivered)
        return await super().commands(frame, redelivered=redelivered)


def envelope(
    message: str,
    /,
    *,
    seconds: float = 20.0,
    key: str | None = None,
    user: dict | None = None,
    **fields,
) -> Envelope:
    return Envelope(
        new_id(),
        message,
        1,
        json.dumps(fields).encode(),
        time.time() + seconds,
        idempotency_key=key,
        **(user or {}),
    )


KINDS: dict[str, Kind] = {"Read": "queries"}


async def send(client: BusClient, message: str, /, **fields):
    return await client.call("toy", KINDS.get(message, "commands"), envelope(message, **fields))


class MemoryControl:
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def stop(self) -> None:
        self._broker.stop()

    async def start(self) -> None:
        self._broker.restart()

    async def dead(self, kind: str = "commands") -> int:
        return len(self._broker.queues[dead_letter_queue(f"toy.{kind}")].waiting)

    async def dead_ids(self) -> list[str]:
        dead = self._broker.queues[dead_letter_queue("toy.commands")].waiting
        return [publication.message_id for publication, _ in dead]


class RabbitControl:
    def __init__(self, rabbitmq, url: str) -> None:
        self._rabbitmq = rabbitmq
        self._url = url

    async def stop(self) -> None:
        await self._rabbitmq.stop()

    async def start(self) -> None:
        await self._rabbitmq.start()

    async def dead(self, kind: str = "commands") -> int:
        import aio_pika

        async with await aio_pika.connect(self._url) as connection, connection.channel() as channel:
            queue = await channel.declare_queue(dead_letter_queue(f"toy.{kind}"), passive=True)
            return queue.declaration_result.message_count

    async def dead_ids(self) -> list[str]:
        import aio_pika

        async with (
            await aio_pika.connect(self._url) as connection,
            dead_letters(connection, "toy.commands") as letters,
        ):
            return [held.letter.id async for held in letters]


@pytest.fixture(params=["memory", "amqp"])
def link(request):
    """Return what stops the broker, and what makes one more connection to it."""
    if request.param == "memory":
        broker = MemoryBroker(["toy"], toy.SUBSCRIPTIONS)
        return MemoryControl(broker), lambda: MemoryTransport(broker)
    url = request.getfixturevalue("amqp_vhost_url")
    control = RabbitControl(request.getfixturevalue("rabbitmq"), url)
    return control, lambda: AmqpTransport(url, party="toy", services=["toy"], layout=toy.LAYOUT)


@pytest.fixture
async def bus(link, database_dsn):
    control, connect = link
    await migrate(database_dsn, "toy", load_migrations("shared", "shared.postgres"))
    pool = await open_pool(database_dsn, schema="toy", size=8, application_name="suite")
    await pool.execute(toy.SCHEMA)
    async with AsyncExitStack() as stack:
        yield Bus(connect, pool, stack, control)
    await pool.close()
