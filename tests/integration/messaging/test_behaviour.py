"""The promises of the bus, on every transport."""

import asyncio
import json
import time

import pytest
from structlog.testing import capture_logs

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.batch_limits import BatchLimits
from shared.messaging.client import SWEEP_INTERVAL
from shared.messaging.messages import Frame
from shared.postgres.executor import Executor
from tests.integration.messaging import toy
from tests.integration.messaging.conftest import Recording, envelope, send


class SettableClock:
    """A clock that is ``seconds`` ahead."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return time.time() + self.seconds


async def test_a_command_is_answered_and_committed(bus):
    await bus.worker()
    client = await bus.client()
    answer = await send(client, "Add", name="a", amount=5)
    assert (answer.error, json.loads(answer.body)) == (None, {"total": 5})
    assert await bus.total("a") == 5


async def test_concurrent_commands_share_frames(bus):
    recording = Recording(bus.pool)
    await bus.worker(recording)
    client = await bus.client()
    await asyncio.gather(*(send(client, "Add", name="a") for _ in range(200)))
    assert await bus.total("a") == 200
    assert len(recording.frames) < 50


async def test_a_batch_handler_gets_the_whole_frame_at_once(bus):
    await bus.worker()
    client = await bus.client()
    answers = await asyncio.gather(*(send(client, "Append", name=str(i)) for i in range(100)))
    assert max(int(answer.body) for answer in answers) > 10
    assert await bus.pool.fetchval("SELECT count(DISTINCT name) FROM log") == 100


async def test_a_slow_query_does_not_hold_back_its_neighbours(bus):
    await bus.worker()
    client = await bus.client(limits=BatchLimits(frames_in_flight=1))
    await send(client, "Read", name="warm")
    first = asyncio.ensure_future(send(client, "Read", name="a"))
    slow = asyncio.ensure_future(send(client, "Read", name="a", delay=1.5))
    fast = [asyncio.ensure_future(send(client, "Read", name="a")) for _ in range(5)]
    started = time.monotonic()
    await asyncio.gather(first, *fast)
    assert time.monotonic() - started < 1.0
    assert not slow.done()
    assert (await slow).error is None


async def test_many_slow_queries_hold_up_neither_other_queries_nor_commands(bus):
    client = await bus.client()
    await bus.worker()
    await send(client, "Add", name="a")
    slow = [asyncio.create_task(send(client, "Read", name="a", delay=1.0)) for _ in range(12)]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(1.0):
        await send(client, "Add", name="b")
        await client.call("toy", "queries", envelope("ReadLong", megabytes=0))
    assert not any(each.done() for each in slow[4:])
    assert {(await each).body for each in slow} == {b'{"total":1}'}


async def test_a_call_waits_no_longer_than_the_linger_time(bus):
    await bus.worker()
    client = await bus.client(limits=BatchLimits(min_batch_size=1000, linger=0.05))
    slow = asyncio.ensure_future(send(client, "Read", name="a", delay=1.5))
    await asyncio.sleep(0.01)
    await asyncio.wait_for(send(client, "Read", name="a"), 1.0)
    assert not slow.done()
    assert (await slow).error is None


async def test_an_answer_longer_than_a_message_may_be_comes_in_pieces(bus):
    await bus.worker()
    client = await bus.client()
    long, longer, short = await asyncio.gather(
        send(client, "ReadLong", megabytes=9),
        send(client, "ReadLong", megabytes=20),
        send(client, "Read", name="a"),
    )
    assert long.body == bytes(range(256)) * (4096 * 9)
    assert longer.body == bytes(range(256)) * (4096 * 20)
    assert json.loads(short.body) == {"total": 0}


async def test_a_refusal_after_a_write_leaves_nothing_and_spares_the_neighbours(bus):
    await bus.worker()
    client = await bus.client(limits=BatchLimits(frames_in_flight=1))
    good = [send(client, "Add", name="good") for _ in range(20)]
    bad = [send(client, "AddThenRefuse", name="bad") for _ in range(3)]
    answers = await asyncio.gather(*good, *bad)
    assert [a.error for a in answers[20:]] == [ErrorCode.INVALID_PARAMETER_VALUE] * 3
    assert (await bus.total("good"), await bus.total("bad")) == (20, 0)


async def test_poison_fails_alone_and_becomes_a_dead_letter(bus):
    await bus.worker()
    client = await bus.client(limits=BatchLimits(frames_in_flight=1))
    work = [send(client, "Add", name="good") for _ in range(10)]
    answers = await asyncio.gather(
        *work, send(client, "Crash"), send(client, "Add", name="huge", amount=5000)
    )
    assert [a.error for a in answers[:10]] == [None] * 10
    assert [a.error for a in answers[10:]] == [ErrorCode.INTERNAL_ERROR] * 2
    assert "error id" in answers[10].body.decode()
    assert await bus.total("good") == 10
    assert await bus.broker.dead() == 2


async def test_unknown_messages_and_malformed_ones_are_refused(bus):
    await bus.worker()
    client = await bus.client()
    unknown = await send(client, "Nonsense")
    malformed = await send(client, "Add", amount=1)
    assert unknown.error == ErrorCode.NOT_IMPLEMENTED
    assert malformed.error == ErrorCode.INVALID_PARAMETER_VALUE
    assert b"'name'" in malformed.body


async def test_a_full_buffer_is_429(bus):
    client = await bus.client(limits=BatchLimits(frames_in_flight=1, max_unanswered=3))

    class Stuck(Executor):
        async def commands(self, frame, *, redelivered):
            await asyncio.sleep(1)
            return await super().commands(frame, redelivered=redelivered)

    await bus.worker(Stuck(bus.pool, toy.HANDLERS))
    results = await asyncio.gather(
        *(send(client, "Add", name="a") for _ in range(8)), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, DomainError)]
    assert {r.code for r in refused} == {ErrorCode.REQUEST_LIMIT_EXCEEDED}
    assert await bus.total("a") == 8 - len(refused) == 3


async def test_no_consumer_is_429(bus):
    client = await bus.client()
    with pytest.raises(DomainError) as caught:
        await send(client, "Add", name="a")
    assert caught.value.code == ErrorCode.REQUEST_LIMIT_EXCEEDED
    await bus.worker()
    assert (await send(client, "Add", name="a")).error is None


async def test_no_answer_in_time_is_503(bus):
    class Silent(Executor):
        async def commands(self, frame, *, redelivered):
            await asyncio.sleep(2)
            return await super().commands(frame, redelivered=redelivered)

    await bus.worker(Silent(bus.pool, toy.HANDLERS))
    client = await bus.client()
    with pytest.raises(DomainError) as caught:
        await send(client, "Add", name="a", seconds=0.5)
    assert caught.value.code == ErrorCode.TEMPORARILY_UNAVAILABLE


async def test_a_call_that_comes_too_late_is_refused_and_not_carried_out(bus):
    executor = Executor(bus.pool, toy.HANDLERS)
    late = envelope("Add", seconds=-1, name="a")
    outcome = await executor.commands(Frame(late.id, "commands", [late]), redelivered=False)
    assert outcome.answers[0].error == ErrorCode.DEADLINE_EXCEEDED
    assert (await executor.query(envelope("Read", seconds=-1, name="a"))).error
    assert await bus.total("a") == 0


@pytest.mark.parametrize("seconds", [-3600, 3600])
async def test_a_worker_whose_clock_was_set_serves_as_before(bus, seconds):
    executor = Executor(bus.pool, toy.HANDLERS)
    executor.environment.clock = SettableClock(seconds)
    await bus.worker(executor)
    client = await bus.client()
    for message in ("Add", "Read"):
        assert json.loads((await send(client, message, name="a")).body) == {"total": 1}


async def test_a_client_whose_clock_is_behind_is_told_that_nothing_was_done(bus):
    await bus.worker()
    client = await bus.client(clock=SettableClock(-3600))
    for message in ("Add", "Read"):
        with (
            capture_logs() as lines,
            pytest.raises(DomainError, match="Nothing was done") as caught,
        ):
            await send(client, message, name="a", seconds=20 - 3600)
        assert caught.value.code == ErrorCode.REQUEST_LIMIT_EXCEEDED
        assert [line["calls"] for line in lines if line["event"] == "clocks_differ"] == [1]
    assert await bus.total("a") == 0


async def test_clocks_that_agree_are_not_blamed_for_a_worker_that_is_late(bus):
    class Slow(Executor):
        async def query(self, envelope):
            await asyncio.sleep(0.4)
            return await super().query(envelope)

    await bus.worker(Slow(bus.pool, toy.HANDLERS))
    client = await bus.client(sweep_interval=60)
    with capture_logs() as lines, pytest.raises(DomainError, match="has expired"):
        await send(client, "Read", name="a", seconds=0.3)
    assert not [line for line in lines if line["event"] == "clocks_differ"]


@pytest.mark.parametrize("seconds", [-3600, 3600])
async def test_a_call_lasts_no_longer_and_no_shorter_when_the_clock_is_set(bus, seconds):
    begun = asyncio.Event()

    class Slow(Executor):
        async def commands(self, frame, *, redelivered):
            begun.set()
            await asyncio.sleep(1)
            return await super().commands(frame, redelivered=redelivered)

    await bus.worker(Slow(bus.pool, toy.HANDLERS))
    clock = SettableClock()
    client = await bus.client(clock=clock)
    # Both calls begin before the clock is set: they need not ask for consumers.
    assert await client.has_consumer("toy", "commands")
    patient = asyncio.ensure_future(send(client, "Add", name="a"))
    hasty = asyncio.ensure_future(send(client, "Add", name="a", seconds=0.5))
    await begun.wait()
    clock.seconds = seconds
    with pytest.raises(DomainError, match="did not answer in time"):
        await asyncio.wait_for(hasty, 5)
    assert (await patient).error is None


async def test_drain_finishes_what_was_begun(bus):
    begun = asyncio.Event()

    class Slow(Executor):
        async def commands(self, frame, *, redelivered):
            begun.set()
            await asyncio.sleep(0.5)
            return await super().commands(frame, redelivered=redelivered)

    worker = await bus.worker(Slow(bus.pool, toy.HANDLERS))
    client = await bus.client()
    call = asyncio.ensure_future(send(client, "Add", name="a"))
    await begun.wait()
    await worker.drain()
    assert json.loads((await call).body) == {"total": 1}


async def test_a_lost_broker_means_429_and_then_recovery(bus):
    await bus.worker()
    client = await bus.client()
    assert (await send(client, "Add", name="a")).error is None
    await bus.broker.stop()
    with pytest.raises(DomainError) as caught:
        for _ in range(50):
            await send(client, "Add", name="lost")
            await asyncio.sleep(0.1)
    assert caught.value.code in (
        ErrorCode.REQUEST_LIMIT_EXCEEDED,
        ErrorCode.TEMPORARILY_UNAVAILABLE,
    )
    await bus.broker.start()
    for _ in range(100):
        try:
            answer = await send(client, "Add", name="a")
        except DomainError:
            await asyncio.sleep(0.2)
        else:
            assert answer.error is None
            break
    assert await bus.total("a") == 2


async def test_a_handler_asks_a_service_before_it_writes(bus):
    await bus.worker(Executor(bus.pool, toy.HANDLERS, await bus.client()))
    client = await bus.client()
    await send(client, "Add", name="other", amount=5)
    answer = await send(client, "AddAsMuchAs", name="a", other="other")
    assert (answer.error, json.loads(answer.body)) == (None, {"total": 5})
    assert await bus.total("a") == 5


@pytest.mark.parametrize("seconds", [-3600, 3600])
async def test_a_handler_asks_as_well_when_the_clock_was_set(bus, seconds):
    class Slow(Executor):
        async def query(self, envelope):
            await asyncio.sleep(2 * SWEEP_INTERVAL)
            return await super().query(envelope)

    clock = SettableClock()
    await bus.worker(Slow(bus.pool, toy.HANDLERS, await bus.client(clock=clock)))
    client = await bus.client(clock=clock)
    command = envelope("AddAsMuchAs", name="a", other="other")
    clock.seconds = seconds
    answer = await client.call("toy", "commands", command, 20)
    assert (answer.error, json.loads(answer.body)) == (None, {"total": 0})
