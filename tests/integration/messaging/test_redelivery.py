"""Frames that are delivered again, or could be lost, are carried out once, on every transport."""

import asyncio
import json
from contextlib import suppress

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging import topology
from shared.messaging.amqp_subscription import AmqpSubscription
from shared.messaging.batch_limits import BatchLimits
from shared.messaging.messages import Frame
from shared.messaging.transport import BrokerUnavailableError
from shared.messaging.worker import Worker
from shared.postgres.executor import Executor
from shared.postgres.frame_transactions import FrameTransactions
from shared.postgres.handlers import Contention
from tests.integration.messaging import toy
from tests.integration.messaging.conftest import Recording, envelope, send


class HoldingTheFirst(Executor):
    """Never ends with the first frame."""

    def __init__(self, pool) -> None:
        super().__init__(pool, toy.HANDLERS)
        self.begun = asyncio.Event()

    async def commands(self, frame, *, redelivered):
        if not self.begun.is_set():
            self.begun.set()
            await asyncio.Event().wait()
        return await super().commands(frame, redelivered=redelivered)


class Hanging:
    """Ends with no frame."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def commands(self, frame, *, redelivered):  # noqa: ARG002
        self.begun.set()
        await asyncio.Event().wait()

    async def query(self, envelope):
        raise NotImplementedError(envelope)


async def test_a_worker_killed_between_commit_and_ack_repeats_nothing(bus):
    committed = asyncio.Event()

    class Dying(Executor):
        async def commands(self, frame, *, redelivered):
            await super().commands(frame, redelivered=redelivered)
            committed.set()
            await asyncio.Event().wait()

    transport = bus.connect()
    await Worker(transport, "toy", Dying(bus.pool, toy.HANDLERS)).start()
    client = await bus.client()
    call = asyncio.ensure_future(send(client, "Add", name="a"))
    await committed.wait()
    await transport.close()
    recording = Recording(bus.pool)
    await bus.worker(recording)
    answer = await call
    assert json.loads(answer.body) == {"total": 1}
    assert await bus.total("a") == 1
    assert recording.redelivered == [True]


@pytest.mark.parametrize("link", ["amqp"], indirect=True)
async def test_what_is_delivered_before_a_connection_is_quite_made_is_answered(bus, monkeypatch):
    opened = AmqpSubscription.open

    async def open_slowly(*arguments):
        await opened(*arguments)
        await asyncio.sleep(0.5)

    holding = HoldingTheFirst(bus.pool)
    transport = bus.connect()
    await Worker(transport, "toy", holding).start()
    client = await bus.client()
    call = asyncio.ensure_future(send(client, "Add", name="a"))
    await holding.begun.wait()
    monkeypatch.setattr(AmqpSubscription, "open", open_slowly)
    await transport._connection.close()
    assert json.loads((await asyncio.wait_for(call, 10)).body) == {"total": 1}
    await transport.close()


async def test_what_the_broker_will_not_take_now_is_moved_later(bus, monkeypatch):
    hanging = Hanging()
    dying, refusing = bus.connect(), bus.connect()
    publish, tries = refusing.publish, []

    async def refuse_twice(publication):
        tries.append(publication.routing_key)
        if len(tries) < 3:
            raise BrokerUnavailableError
        await publish(publication)

    await Worker(dying, "toy", hanging).start()
    client = await bus.client()
    call = asyncio.ensure_future(send(client, "Add", name="a"))
    await hanging.begun.wait()
    monkeypatch.setattr(refusing, "publish", refuse_twice)
    await Worker(refusing, "toy", Executor(bus.pool, toy.HANDLERS)).start()
    await dying.close()
    assert json.loads((await call).body) == {"total": 1}
    assert tries[:3] == ["toy.commands"] * 3
    await refusing.close()


async def test_who_leaves_does_not_wait_for_a_broker_that_takes_nothing(bus, monkeypatch):
    hanging = Hanging()
    dying, refusing = bus.connect(), bus.connect()
    refused = asyncio.Event()

    async def refuse(_publication):
        refused.set()
        raise BrokerUnavailableError

    await Worker(dying, "toy", hanging).start()
    client = await bus.client()
    call = asyncio.ensure_future(send(client, "Add", name="a"))
    await hanging.begun.wait()
    monkeypatch.setattr(refusing, "publish", refuse)
    leaving = Worker(refusing, "toy", Executor(bus.pool, toy.HANDLERS))
    await leaving.start()
    await dying.close()
    await refused.wait()
    await asyncio.wait_for(leaving.drain(), 5)
    await bus.worker()
    assert json.loads((await call).body) == {"total": 1}


@pytest.mark.parametrize("link", ["amqp"], indirect=True)
async def test_what_kills_its_workers_becomes_a_dead_letter(bus):
    hanging = Hanging()
    client = await bus.client()
    call = None
    async with asyncio.timeout(30):
        while not await bus.broker.dead():
            hanging.begun.clear()
            transport = bus.connect()
            await Worker(transport, "toy", hanging).start()
            call = call or asyncio.ensure_future(send(client, "Add", name="a", seconds=5))
            with suppress(TimeoutError):
                await asyncio.wait_for(hanging.begun.wait(), 0.5)
            await transport.close()
    with pytest.raises(DomainError, match="did not answer in time"):
        await call
    assert await bus.total("a") == 0


async def test_a_worker_killed_before_it_publishes_a_dead_letter_loses_none(bus):
    ended = asyncio.Event()

    class Dying(Executor):
        async def commands(self, frame, *, redelivered):
            await super().commands(frame, redelivered=redelivered)
            ended.set()
            await asyncio.Event().wait()

    transport = bus.connect()
    await Worker(transport, "toy", Dying(bus.pool, toy.HANDLERS)).start()
    client = await bus.client(limits=BatchLimits(frames_in_flight=1))
    calls = [
        asyncio.ensure_future(send(client, *each, name="a"))
        for each in (["Crash"], ["Add"], ["Add"])
    ]
    await ended.wait()
    await transport.close()
    assert await bus.broker.dead() == 0
    await bus.worker()
    answers = await asyncio.gather(*calls)
    assert [answer.error for answer in answers] == [ErrorCode.INTERNAL_ERROR, None, None]
    assert (await bus.broker.dead(), await bus.total("a")) == (1, 2)


async def test_a_worker_killed_before_it_acknowledges_poison_repeats_its_dead_letter_under_one_id(
    bus, monkeypatch
):
    transport = bus.connect()
    publish, replying = transport.publish, asyncio.Event()

    async def hang_at_the_reply(publication):
        if publication.exchange == topology.REPLIES:
            replying.set()
            await asyncio.Event().wait()
        await publish(publication)

    monkeypatch.setattr(transport, "publish", hang_at_the_reply)
    await Worker(transport, "toy", Executor(bus.pool, toy.HANDLERS)).start()
    client = await bus.client()
    call = asyncio.ensure_future(send(client, "Crash"))
    await replying.wait()
    await transport.close()
    await bus.worker()
    assert (await call).error is ErrorCode.INTERNAL_ERROR
    [first, second] = await bus.broker.dead_ids()
    assert first == second


async def test_a_dead_letter_that_dies_again_can_be_replayed_again(bus):
    executor = Executor(bus.pool, toy.HANDLERS)
    command = envelope("Add", name="a", amount=5000)
    replayed = Frame(command.id, "commands", [command])
    for _ in range(2):
        assert (await executor.commands(replayed, redelivered=False)).poison
    await bus.pool.execute("ALTER TABLE counters DROP CONSTRAINT counters_total_check")
    for _ in range(2):
        outcome = await executor.commands(replayed, redelivered=False)
        assert (outcome.answers[0].error, outcome.poison) == (None, {})
    assert await bus.total("a") == 5000


async def test_a_replayed_command_runs_in_a_transaction_of_its_own_if_it_must(bus):
    class Contended(FrameTransactions):
        tries = 0

        async def carry_out(self, connection, frame):
            self.tries += 1
            if self.tries == 1:
                raise Contention
            return await super().carry_out(connection, frame)

    command = envelope("Add", name="a")
    replayed = Frame(command.id, "commands", [command])
    executor = Executor(bus.pool, toy.HANDLERS)
    executor.transactions = Contended(executor.environment)
    outcome = await executor.commands(replayed, redelivered=False)
    assert (outcome.answers[0].error, outcome.poison) == (None, {})
    assert await bus.total("a") == 1


async def test_what_was_under_way_when_the_broker_was_lost_is_sent_again(bus):
    holding = HoldingTheFirst(bus.pool)
    transport = bus.connect()
    await Worker(transport, "toy", holding).start()
    client = await bus.client()
    call = asyncio.ensure_future(send(client, "Add", name="a", seconds=120))
    await holding.begun.wait()
    await bus.broker.stop()
    await bus.broker.start()
    assert json.loads((await call).body) == {"total": 1}
    assert await bus.total("a") == 1
    await transport.close()


async def test_a_frame_in_pieces_repeats_nothing_when_it_comes_again(bus):
    executor = Executor(bus.pool, toy.HANDLERS)
    frame = Frame(
        envelope("Add", name="x").id,
        "commands",
        [envelope("Add", name="a"), envelope("AddThenRefuse", name="b"), envelope("Crash")],
    )
    first = await executor.commands(frame, redelivered=False)
    for redelivered in (False, True):
        again = await executor.commands(frame, redelivered=redelivered)
        assert again.answers[0] == first.answers[0]
    assert await bus.total("a") == 1


async def test_copies_of_a_frame_at_the_same_time_are_carried_out_once(bus):
    executors = [Executor(bus.pool, toy.HANDLERS) for _ in range(4)]
    frame = Frame(envelope("Add", name="x").id, "commands", [envelope("Add", name="a")])
    outcomes = await asyncio.gather(*(e.commands(frame, redelivered=False) for e in executors))
    assert {o.answers[0].body for o in outcomes} == {b'{"total":1}'}
    assert await bus.total("a") == 1


async def test_an_idempotency_key_makes_a_repeated_request_harmless(bus):
    await bus.worker()
    client = await bus.client()
    first, second = await asyncio.gather(
        send(client, "Add", name="a", key="k"), send(client, "Add", name="a", key="k")
    )
    third = await send(client, "Add", name="a", key="k")
    assert first == second == third
    assert await bus.total("a") == 1


async def test_an_idempotency_key_is_its_users_whatever_the_user_is_named(bus):
    await bus.worker()
    client = await bus.client()
    users = (
        {"user_id": 5, "username": "ann", "dialect": "gitlab"},
        {"user_id": 6, "username": "5", "dialect": "mlflow"},
        {"user_id": 6, "username": "5", "dialect": "gitlab"},
        {},
    )
    for _ in range(2):
        for user in users:
            await send(client, "Add", name="a", key="k", user=user)
    assert await bus.total("a") == len(users)
