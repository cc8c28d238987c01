"""The promises of the bus about events, on every transport."""

import asyncio
import json
from dataclasses import replace

from shared.messaging.events import outgoing_event
from shared.messaging.messages import new_id
from shared.messaging.processor import RetryLaterError
from shared.messaging.transport import Publication
from shared.messaging.worker import Worker
from shared.postgres.event_executor import EventExecutor
from shared.postgres.executor import Executor
from tests.integration.messaging import toy
from tests.integration.messaging.conftest import send


async def test_events_leave_by_the_outbox_with_their_transaction(bus):
    await bus.worker()
    client = await bus.client()
    await send(client, "Add", name="a")
    await send(client, "AddThenRefuse", name="b")
    rows = await bus.pool.fetch("SELECT topic, payload FROM outbox ORDER BY position")
    assert [(row["topic"], row["payload"]) for row in rows] == [
        ("1.counter.changed", b'{"name":"a"}')
    ]


def changed(name: str, *, project: int = 1, topic: str = "counter.changed") -> Publication:
    payload = json.dumps({"name": name}).encode()
    return outgoing_event(new_id(), f"{project}.{topic}", payload)


async def test_an_event_reaches_its_subscribers_alone(bus):
    await bus.worker(events=EventExecutor(bus.pool, toy.HANDLERS))
    client = await bus.client()
    await send(client, "Add", name="a")
    assert await bus.relay() == 1
    await bus.publish(
        changed("b", project=2), changed("c", topic="counter.deleted"), changed("d", topic="x.y.z")
    )
    assert await bus.handled_events(2) == ["1: a", "2: b"]


async def test_an_event_waits_for_a_service_that_is_not_there_yet(bus):
    await bus.publish(changed("early"))
    await bus.worker(events=EventExecutor(bus.pool, toy.HANDLERS))
    assert await bus.handled_events(1) == ["1: early"]


async def test_an_event_that_is_published_twice_takes_effect_once(bus):
    await bus.worker(events=EventExecutor(bus.pool, toy.HANDLERS))
    event = changed("a")
    await bus.publish(*[event] * 5)
    assert await bus.handled_events(1) == ["1: a"]


async def test_a_service_killed_between_commit_and_ack_of_an_event_repeats_nothing(bus):
    committed = asyncio.Event()

    class Dying(EventExecutor):
        async def event(self, event):
            await super().event(event)
            committed.set()
            await asyncio.Event().wait()

    transport = bus.connect()
    worker = Worker(transport, "toy", Executor(bus.pool, toy.HANDLERS))
    await worker.start(Dying(bus.pool, toy.HANDLERS))
    await bus.publish(changed("a"))
    await committed.wait()
    await transport.close()
    await bus.worker(events=EventExecutor(bus.pool, toy.HANDLERS))
    assert await bus.handled_events(1) == ["1: a"]


async def test_an_event_comes_again_while_the_database_is_away(bus):
    class Away(EventExecutor):
        attempts = 0

        async def event(self, event):
            self.attempts += 1
            if self.attempts < 3:
                message = "the database is away"
                raise RetryLaterError(message)
            await super().event(event)

    await bus.worker(events=Away(bus.pool, toy.HANDLERS))
    await bus.publish(changed("a"))
    assert await bus.handled_events(1) == ["1: a"]


async def test_an_event_that_cannot_be_handled_is_a_dead_letter_without_effect(bus):
    await bus.worker(events=EventExecutor(bus.pool, toy.HANDLERS))
    malformed = replace(changed("x"), body=b"no JSON")
    nobodys = replace(changed("x"), message_id="no id")
    await bus.publish(changed("poison"), malformed, nobodys, changed("good"))
    assert await bus.handled_events(1) == ["1: good"]
    assert await bus.broker.dead("events") == 3


class Listener:
    """Keeps the events that a client receives."""

    def __init__(self, *topics) -> None:
        self.received: list[tuple[int, str, bytes]] = []
        self.missed = 0
        self.topics = topics

    def on_event(self, event) -> None:
        self.received.append((event.project, event.topic, event.payload))

    def on_missed(self) -> None:
        self.missed += 1

    async def until(self, condition) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.01)


async def test_every_subscribed_client_receives_an_event(bus):
    listeners = [Listener("thing.changed"), Listener("thing.changed", "thing.gone")]
    for listener in listeners:
        await bus.client(listener=listener)
    await bus.publish(
        outgoing_event(new_id(), "7.thing.changed", b"{}"),
        outgoing_event(new_id(), "8.thing.gone", b"[]"),
        outgoing_event(new_id(), "8.other.gone", b"[]"),
    )
    await listeners[1].until(lambda: len(listeners[1].received) == 2)
    await listeners[0].until(lambda: listeners[0].received)
    assert listeners[0].received == [(7, "thing.changed", b"{}")]
    assert listeners[1].received == [(7, "thing.changed", b"{}"), (8, "thing.gone", b"[]")]


async def test_a_client_that_was_disconnected_is_told_so_and_receives_again(bus):
    listener = Listener("thing.changed")
    await bus.client(listener=listener)
    await bus.broker.stop()
    before = listener.missed
    await bus.broker.start()
    await listener.until(lambda: listener.missed > before)
    await bus.publish(outgoing_event(new_id(), "7.thing.changed", b"{}"))
    await listener.until(lambda: listener.received)


async def test_an_event_that_a_client_cannot_handle_counts_as_missed(bus):
    class Refusing(Listener):
        def on_event(self, event) -> None:
            json.loads(event.payload)
            super().on_event(event)

    listener = Refusing("thing.changed")
    await bus.client(listener=listener)
    before = listener.missed
    good = outgoing_event(new_id(), "7.thing.changed", b"{}")
    await bus.publish(replace(good, body=b"no JSON"), replace(good, message_id="no id"), good)
    await listener.until(lambda: listener.received)
    assert listener.missed == before + 2
