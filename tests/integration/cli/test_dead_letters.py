"""``warren dead-letters`` as a process, on a real RabbitMQ and PostgreSQL."""

import asyncio
import json
import os
import sys
from functools import partial
from uuid import UUID

import pytest

from shared.messaging import topology
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.events import outgoing_event
from shared.messaging.messages import Envelope, Frame, encode_frame, new_id
from shared.messaging.transport import Publication
from shared.messaging.worker import Worker
from shared.postgres.event_executor import EventExecutor
from shared.postgres.executor import Executor
from shared.postgres.migrate import load_migrations, migrate
from shared.postgres.pool import open_pool
from tests.integration.messaging import toy
from tests.integration.messaging.conftest import envelope

# The toy service answers under a real one's name, since the command knows the real ones alone.
NAME = "registry"


class Running:
    def __init__(self, url, pool, client, transport) -> None:
        self.url = url
        self.pool = pool
        self.client = client
        self.transport = transport

    async def bury(self, key, payload):
        """Make a dead letter of one command."""
        frame = Frame(key, "commands", [Envelope(key, "Add", 1, payload.encode(), 0.0)])
        await self.transport.publish(
            Publication(
                exchange=topology.REQUEUE,
                routing_key="registry.commands.dead-letters",
                body=encode_frame(frame),
                message_id=key.hex,
                persistent=True,
            )
        )

    async def send(self, message, /, **fields):
        return await self.client.call(NAME, "commands", envelope(message, **fields))

    def start(self, *arguments):
        return asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "cli", "dead-letters", *arguments),
            env={**os.environ, "WARREN_AMQP_URL": self.url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments):
        process = await self.start(*arguments)
        out, error = await process.communicate()
        return process.returncode, out.decode(), error.decode()

    async def listed(self, *arguments):
        code, out, error = await self.run("list", "--json", *arguments)
        assert code == 0, error
        return [json.loads(line) for line in out.splitlines()]

    async def total(self, name):
        return await self.pool.fetchval("SELECT total FROM counters WHERE name = $1", name) or 0

    async def becomes(self, name, total):
        for _ in range(200):
            if await self.total(name) == total:
                return
            await asyncio.sleep(0.05)
        assert await self.total(name) == total


@pytest.fixture
async def toys(amqp_vhost_url, database_dsn):
    await migrate(database_dsn, "toy", load_migrations("shared", "shared.postgres"))
    pool = await open_pool(database_dsn, schema="toy", size=4, application_name="suite")
    await pool.execute(toy.SCHEMA)
    subscriptions = {NAME: {NAME: [toy.CounterChanged.topic]}}
    asks = {topology.CLI: {NAME: None}, NAME: {NAME: None}}
    connect = partial(
        AmqpTransport,
        amqp_vhost_url,
        party=NAME,
        services=[NAME],
        layout=topology.Layout(subscriptions=subscriptions, asks=asks),
    )
    worker = Worker(connect(), NAME, Executor(pool, toy.HANDLERS))
    await worker.start(EventExecutor(pool, toy.HANDLERS))
    transport = connect()
    client = BusClient(transport)
    await client.start()
    yield Running(amqp_vhost_url, pool, client, transport)
    await client.close()
    await worker.drain()
    await pool.close()


async def test_a_poison_command_is_listed_shown_replayed_once_and_gone(toys):
    """The counter refuses more than 999 until its constraint is mended."""
    answer = await toys.send("Add", name="a", amount=5000)
    assert answer.error == "INTERNAL_ERROR"
    for _ in range(3):  # Looking changes nothing.
        (letter,) = await toys.listed()
    assert (letter["queue"], letter["names"]) == ("registry.commands", ["Add"])
    assert "CheckViolationError" in letter["reason"]
    assert letter["died"].startswith("20")
    code, shown, _ = await toys.run("show", letter["id"])
    assert code == 0
    assert '"amount": 5000' in shown

    await toys.pool.execute("ALTER TABLE counters DROP CONSTRAINT counters_total_check")
    code, _, error = await toys.run("replay", letter["id"])
    assert code == 0, error
    await toys.becomes("a", 5000)
    assert await toys.listed() == []
    code, _, error = await toys.run("replay", letter["id"])
    assert (code, letter["id"] in error) == (1, True)


async def test_what_was_replayed_twice_takes_effect_once(toys):
    await toys.send("Add", name="a", amount=5000)
    (letter,) = await toys.listed()
    await toys.pool.execute("ALTER TABLE counters DROP CONSTRAINT counters_total_check")
    # As left by a replay that was killed before it took the original away.
    await toys.bury(UUID(hex=letter["id"]), letter["payloads"][0])
    assert len(await toys.listed()) == 2
    code, out, error = await toys.run("replay", "--all")
    assert code == 0, error
    assert len(out.splitlines()) == 2
    await toys.becomes("a", 5000)
    await toys.send("Add", name="after")
    await asyncio.sleep(0.3)
    assert await toys.total("a") == 5000
    assert await toys.listed() == []


async def test_events_and_what_is_no_frame_are_listed_and_dropped_by_queue(toys):
    event = outgoing_event(new_id(), "3.counter.changed", b'{"name": "poison"}')
    junk = Publication(
        routing_key="registry.transient-commands",
        body=b"junk",
        exchange=topology.REQUESTS,
        persistent=True,
    )
    await toys.transport.publish(event)
    await toys.transport.publish(junk)
    letters = []
    for _ in range(50):
        letters = await toys.listed()
        if len(letters) == 2:
            break
    described = {each["queue"]: (each["names"], each["projects"]) for each in letters}
    assert described == {
        "registry.commands": ([], []),
        "registry.events": (["counter.changed"], [3]),
    }
    assert "ZeroDivisionError" in letters[1]["reason"]
    code, out, _ = await toys.run("drop", "--all", "--queue", "registry.commands")
    assert (code, "unreadable" in out) == (0, True)
    assert [each["queue"] for each in await toys.listed()] == ["registry.events"]


async def test_a_killed_replay_loses_nothing(toys):
    for n in range(40):
        await toys.bury(new_id(), json.dumps({"name": f"n{n}"}))
    assert len(await toys.listed()) == 40
    process = await toys.start("replay", "--all")
    await process.stdout.readline()
    process.kill()
    await process.communicate()
    code, _, error = await toys.run("replay", "--all")
    assert code == 0, error
    for n in range(40):
        await toys.becomes(f"n{n}", 1)
    assert await toys.listed() == []


async def test_without_a_broker_it_says_so(toys):
    toys.url = "amqp://guest:guest@127.0.0.1:1/"
    code, _, error = await toys.run("list")
    assert code == 1
    assert error.startswith("RabbitMQ can't be reached; WARREN_AMQP_URL says where it is. (")


async def test_a_retired_topic_is_unbound(amqp_vhost_url):
    """Otherwise the queue would fill with messages that no sender waits for."""
    kept, gone = "counter.changed", "counter.deleted"

    async def declare(subscriptions, retired):
        transport = AmqpTransport(
            amqp_vhost_url,
            party="toy",
            services=[],
            layout=topology.Layout(subscriptions=subscriptions, retired=retired),
        )
        await transport.start()
        return transport

    first = await declare({"toy": {"toy": [kept, gone]}}, {})
    await first.close()
    second = await declare({"toy": {"toy": [kept]}}, {"toy": {"toy": [gone]}})
    heard = []

    async def hear(delivery):
        heard.append(delivery.publication.routing_key)
        await delivery.ack()

    await second.consume("toy.events", hear, 1)
    for topic in (gone, kept):
        await second.publish(outgoing_event(new_id(), f"1.{topic}", b"{}"))
    for _ in range(100):
        if heard:
            break
        await asyncio.sleep(0.05)
    assert heard == [f"1.{kept}"]
    await second.close()
