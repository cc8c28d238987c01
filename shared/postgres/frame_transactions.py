"""Carries out frames, each in one transaction (group commit).

The transaction's last statement stores the frame's answers in the inbox. An idempotent frame
(``PostgresHandlers.is_idempotent_batch``) is one statement and needs no inbox row.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message
from shared.handling import dispatch
from shared.handling.context import EmittedEvent
from shared.messaging.messages import Answer, Envelope, Frame
from shared.messaging.processor import Outcome
from shared.postgres import inbox, outbox
from shared.postgres.clock import time_of_deadlines
from shared.postgres.connection import AnyConnection
from shared.postgres.early_events import deliver
from shared.postgres.environment import Environment
from shared.postgres.handlers import BatchHandler, BatchItem
from shared.postgres.transaction import Transaction
from shared.runtime.log_context import bound_messages

RETRYABLE = (ErrorCode.REQUEST_LIMIT_EXCEEDED, ErrorCode.TEMPORARILY_UNAVAILABLE)
"""Refusals that the client should repeat. They are not stored under an Idempotency-Key."""


class RunOneByOneError(Exception):
    """The frame's transaction must be rolled back, so that its commands run one by one."""


@dataclass(slots=True)
class FrameState:
    """The state of a frame: by index the parsed commands without an answer, and the answers."""

    calls: dict[int, BatchItem[Message]] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    events: list[EmittedEvent] = field(default_factory=list)
    early: list[tuple[Envelope, EmittedEvent]] = field(default_factory=list)
    """Events that subscribers handle before the answers leave, each with the command that emitted it."""
    written: Collection[int] = ()
    """The commands for which ``PostgresHandlers.lock`` has written."""

    def refuse(self, refusals: Mapping[int, DomainError]) -> None:
        """Answer commands with their refusals, unless they have an answer."""
        for index, refusal in refusals.items():
            if self.calls.pop(index, None):
                self.answers[index] = Answer.refusal(refusal)


class FrameTransactions:
    """Carries out the frames of a service on connections to its database."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._handlers = environment.handlers
        self._messages = environment.handlers.messages
        self._bus = environment.bus
        self.events_committed = asyncio.Event()
        """Set when events were committed to the outbox. The relay clears it."""

    async def carry_out(self, connection: AnyConnection, frame: Frame) -> Outcome:
        """Carry out a frame in one transaction.

        Raises RunOneByOneError, Contention, and the database's errors. Nothing is written then.
        """
        state = self._read(
            frame.envelopes,
            await time_of_deadlines(connection, frame.envelopes, self._environment.clock),
        )
        projects = {envelope.project for envelope in frame.envelopes}
        if not projects <= self._environment.prepared:
            await self._environment.prepare(connection, projects)
        items = [*state.calls.values()]
        if self._handlers.is_idempotent_batch(items) and not any(
            item.envelope.idempotency_key for item in items
        ):
            # Without a transaction block and an inbox row, which saves three round trips.
            await self._run_handlers(connection, state)
        else:
            await self._in_block(connection, frame, state)
        return Outcome(state.answers)

    def _read(self, envelopes: Sequence[Envelope], now: float) -> FrameState:
        """Parse messages, and refuse the ones that are late or invalid."""
        state = FrameState()
        for index, envelope in enumerate(envelopes):
            try:
                if envelope.deadline <= now:
                    raise dispatch.expired()
                state.calls[index] = BatchItem(dispatch.parse(self._messages, envelope), envelope)
            except DomainError as error:
                state.answers[index] = Answer.refusal(error)
        return state

    async def _in_block(self, connection: AnyConnection, frame: Frame, state: FrameState) -> None:
        """Carry out a frame between BEGIN and COMMIT, and store its answers in the inbox."""
        refusals = await self._ask(connection, state)
        async with connection.transaction():
            # A repeated Idempotency-Key gets its first answer, whatever other services say now.
            keys = await _answer_known_keys(connection, state)
            state.refuse(refusals)
            if self._handlers.lock and state.calls:
                state.written = await self._handlers.lock(state.calls, connection)
            await self._run_handlers(connection, state)
            if state.events:
                await outbox.append(connection, state.events)
            keyed = {
                key: {0: state.answers[index]}
                for key, index in keys.items()
                if state.answers[index].error not in RETRYABLE
            }
            # In the transaction of the work: the answers are there if, and only if, the work is. So a
            # redelivered frame is answered, whenever its worker dies.
            await inbox.store(connection, {frame.id: state.answers, **keyed})
        if state.events:
            self.events_committed.set()
        if self._bus is not None and state.early:
            # After the commit: a subscriber can't take back what it does for an event, and this
            # transaction could still be rolled back.
            await deliver(self._bus, state.early)

    async def _ask(self, connection: AnyConnection, state: FrameState) -> Mapping[int, DomainError]:
        """Ask other services for all commands. Nothing is locked meanwhile."""
        if self._handlers.ask is None:
            return {}
        calls = {
            index: (call.message, self._transaction(connection, call))
            for index, call in state.calls.items()
        }
        return await self._handlers.ask(calls) if calls else {}

    def _transaction(
        self, connection: AnyConnection, call: BatchItem[Message], *, has_written: bool = False
    ) -> Transaction:
        return Transaction(
            call.envelope.project,
            call.envelope,
            self._bus,
            connection=connection,
            has_written=has_written,
        )

    async def _run_handlers(self, connection: AnyConnection, state: FrameState) -> None:
        """Run the handlers: single ones as they come, then each batch handler once with all its messages."""
        groups: dict[BatchHandler, list[int]] = {}
        for index, call in state.calls.items():
            batch = self._handlers.batch.get(type(call.message))
            if batch is None:
                tx = self._transaction(connection, call, has_written=index in state.written)
                state.answers[index] = await self._run_single(tx, call, state)
            else:
                groups.setdefault(batch, []).append(index)
        for handler, indexes in groups.items():
            results = await handler([state.calls[i] for i in indexes], connection)
            for index, result in zip(indexes, results, strict=True):
                # Most results of the hot path are answers already.
                state.answers[index] = result if type(result) is Answer else dispatch.answer(result)

    async def _run_single(
        self, tx: Transaction, call: BatchItem[Message], state: FrameState
    ) -> Answer:
        try:
            with bound_messages((call.envelope,)):
                reply = await self._handlers.single[type(call.message)](call.message, tx)
        except DomainError as error:
            # The transaction is shared. Before a write a refusal leaves nothing behind, so the frame can
            # be committed. After one, only a rollback of the whole frame undoes this command.
            if tx.has_written:
                raise RunOneByOneError from error
            return Answer.refusal(error)
        state.events.extend(tx.events)
        state.early.extend((call.envelope, event) for event in tx.events if event.early)
        return dispatch.answer(reply)


async def _answer_known_keys(connection: AnyConnection, state: FrameState) -> dict[UUID, int]:
    """Answer repeated Idempotency-Keys from the inbox; return the ids of the new ones."""
    keys: dict[UUID, int] = {}
    for index, call in list(state.calls.items()):
        key = inbox.key_id(call.envelope)
        if key in keys:
            # The same key twice in one frame. The commands must run one by one, so that the second
            # gets the answer of the first.
            raise RunOneByOneError
        if key is not None:
            keys[key] = index
    if keys:
        for key, stored in (await inbox.find(connection, list(keys))).items():
            index = keys.pop(key)
            del state.calls[index]
            state.answers[index] = (stored or {})[0]
    return keys
