"""The metrics of the bus, on every transport."""

import asyncio
from dataclasses import replace

import pytest

from shared.messaging.events import outgoing_event
from shared.messaging.messages import new_id
from shared.messaging.topology import REQUESTS
from shared.messaging.transport import Publication
from shared.postgres import outbox
from shared.postgres.event_executor import EventExecutor
from shared.runtime.metrics import REGISTRY
from tests.integration.messaging import toy
from tests.integration.messaging.conftest import envelope, send

COMMANDS = {"service": "toy", "kind": "commands"}
QUEUE = {"queue": "toy.commands"}


class Change:
    """What samples were at first, and by how much they have grown since."""

    def __init__(self):
        self._before = {
            (each.name, *sorted(each.labels.items())): each.value
            for family in REGISTRY.collect()
            for each in family.samples
        }

    def of(self, name, **labels):
        now = REGISTRY.get_sample_value(name, labels) or 0
        return now - self._before.get((name, *sorted(labels.items())), 0)

    async def reaches(self, value, name, **labels):
        for _ in range(200):
            if self.of(name, **labels) == value:
                return
            await asyncio.sleep(0.02)
        assert self.of(name, **labels) == value


@pytest.fixture
def change(bus):
    return Change()


def duration(outcome, message):
    return {"service": "toy", "message": message, "outcome": outcome}


async def test_messages_are_counted_by_outcome(bus, change):
    await bus.worker()
    client = await bus.client()
    await asyncio.gather(*(send(client, "Add", name="a") for _ in range(20)))
    await send(client, "AddThenRefuse", name="a")
    await send(client, "Crash")
    await client.call("toy", "commands", envelope("Nonsense"))
    await send(client, "Read", name="a")
    count = "warren_message_duration_seconds_count"
    await change.reaches(20, count, **duration("ok", "Add"))
    await change.reaches(1, count, **duration("INVALID_PARAMETER_VALUE", "AddThenRefuse"))
    await change.reaches(1, count, **duration("INTERNAL_ERROR", "Crash"))
    await change.reaches(1, count, **duration("NOT_IMPLEMENTED", "unknown"))
    await change.reaches(1, count, **duration("ok", "Read"))
    await change.reaches(1, "warren_dead_letters_total", **QUEUE)


async def test_frames_are_measured_where_they_leave_and_where_they_arrive(bus, change):
    await bus.worker()
    client = await bus.client()
    await asyncio.gather(*(send(client, "Add", name="a") for _ in range(50)))
    frames = change.of("warren_bus_frame_messages_count", **COMMANDS)
    assert 1 <= frames < 50
    assert change.of("warren_bus_frame_messages_sum", **COMMANDS) == 50
    assert change.of("warren_bus_frame_bytes_sum", **COMMANDS) > 50 * 20
    await change.reaches(frames, "warren_queue_wait_seconds_count", **COMMANDS)
    assert 0 <= change.of("warren_queue_wait_seconds_sum", **COMMANDS) < 60
    assert REGISTRY.get_sample_value("warren_bus_calls_unanswered", COMMANDS) == 0
    assert REGISTRY.get_sample_value("warren_bus_frames_in_flight", COMMANDS) == 0


async def test_calls_without_an_answer_are_seen(bus, change):
    await bus.worker()
    client = await bus.client()
    await send(client, "Read", name="warm")
    slow = asyncio.ensure_future(send(client, "Read", name="a", delay=0.5))
    await asyncio.sleep(0.1)
    queries = {"service": "toy", "kind": "queries"}
    assert REGISTRY.get_sample_value("warren_bus_calls_unanswered", queries) == 1
    await slow


async def test_repeated_keys_are_inbox_hits(bus, change):
    await bus.worker()
    client = await bus.client()
    for _ in range(2):
        await client.call("toy", "commands", envelope("Add", key="k", name="a"))
    assert change.of("warren_inbox_hits_total") == 1


async def test_frame_that_nobody_can_read_is_a_dead_letter(bus, change):
    await bus.worker()
    await bus.publish(
        Publication(
            routing_key="toy.transient-commands", body=b"?", exchange=REQUESTS, persistent=True
        )
    )
    await change.reaches(1, "warren_dead_letters_total", **QUEUE)


async def test_events_are_counted_by_outcome(bus, change):
    await bus.worker(events=EventExecutor(bus.pool, toy.HANDLERS))
    event = outgoing_event(new_id(), "1.counter.changed", b'{"name": "good"}')
    poison = replace(event, message_id=new_id().hex, body=b'{"name": "poison"}')
    await bus.publish(event, poison)
    count = "warren_event_duration_seconds_count"
    for outcome in ("ok", "dead"):
        labels = {"service": "toy", "topic": "counter.changed", "outcome": outcome}
        await change.reaches(1, count, **labels)
    await change.reaches(1, "warren_dead_letters_total", queue="toy.events")


async def test_lag_of_the_outbox_is_the_age_of_its_oldest_event(bus):
    await bus.pool.execute(
        "INSERT INTO outbox (topic, payload, created_at) "
        "VALUES ('1.a.b', '', now() - interval '90 s'), ('1.a.b', '', now())"
    )
    watching = asyncio.create_task(outbox.watch(bus.pool, "toy"))
    labels = {"service": "toy"}
    try:
        for _ in range(100):
            lag = REGISTRY.get_sample_value("warren_outbox_lag_seconds", labels)
            if lag:
                break
            await asyncio.sleep(0.02)
    finally:
        watching.cancel()
    assert 90 <= lag < 120


async def test_pool_is_seen_in_use(bus):
    async with bus.pool.acquire():
        used = {"service": "toy", "state": "used"}
        assert REGISTRY.get_sample_value("warren_database_pool_connections", used) == 1
    assert REGISTRY.get_sample_value("warren_database_pool_limit", {"service": "toy"}) == 8
