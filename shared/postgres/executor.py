"""Carries out frames on PostgreSQL, each command exactly once.

The fast path runs the whole frame in one transaction (group commit). Its last statement stores the
frame's answers in the inbox. An idempotent frame (``PostgresHandlers.is_idempotent_batch``) is one
statement and needs no inbox row.

The frame is rolled back if the database refuses the transaction, or if a command is refused after it has
written. Then the commands run one by one, each in its own transaction with its own inbox row. So one bad
command can't fail the others.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias
from uuid import UUID

import asyncpg
import structlog
from asyncpg import Pool, Record

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message
from shared.handling import dispatch
from shared.handling.context import EmittedEvent
from shared.messaging.calls import Bus
from shared.messaging.messages import Answer, Envelope, Frame
from shared.messaging.processor import Outcome, RetryLaterError
from shared.postgres import inbox, outbox
from shared.postgres.afterwards import Backlog
from shared.postgres.clock import time_of_deadlines
from shared.postgres.connection import AnyConnection
from shared.postgres.early_events import deliver, with_early_events
from shared.postgres.handlers import (
    BatchHandler,
    BatchItem,
    Contention,
    PostgresHandlers,
)
from shared.postgres.replica import UsePrimaryError
from shared.postgres.replicas import Replicas
from shared.postgres.time_limit import in_time
from shared.postgres.transaction import Afterwards, Transaction
from shared.runtime.log_context import bound_messages

log = structlog.get_logger()

DATABASE_UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""The database is unavailable. The same work may succeed later."""

TRANSACTION_CONFLICTS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Two transactions were in conflict. The same work may succeed at once."""

DATABASE_FULL = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)
"""The database has no room for the work, and has undone it. It is unknown when there will be room."""

MAX_ATTEMPTS = 3
"""Tries of the same work after a conflict."""

RETRYABLE = (ErrorCode.REQUEST_LIMIT_EXCEEDED, ErrorCode.TEMPORARILY_UNAVAILABLE)
"""Refusals that the client should repeat. They are not stored under an Idempotency-Key."""


_QueryAnswer: TypeAlias = tuple[Answer, dict[str, Afterwards]]
"""The answer to a query, and the work that it leaves behind."""


class _RunOneByOneError(Exception):
    """The frame's transaction must be rolled back, so that its commands run one by one."""


@dataclass(slots=True)
class _Work:
    """The state of a frame: by index the parsed commands without an answer, and the answers."""

    calls: dict[int, BatchItem[Message]] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    events: list[EmittedEvent] = field(default_factory=list)
    early: list[tuple[Envelope, EmittedEvent]] = field(default_factory=list)
    """Events that subscribers handle before the answers leave, each with the command that emitted it."""


class Executor:
    """The ``Processor`` of a service that keeps its state in PostgreSQL."""

    def __init__(
        self,
        pool: "Pool[Record]",
        handlers: PostgresHandlers,
        bus: Bus | None = None,
        replicas: Replicas | None = None,
        *,
        query_timeout: float = 25.0,
    ) -> None:
        """``bus`` sends to services of ``topology.ASKS``; queries run on ``replicas`` where they may, in so many seconds."""
        self._pool = pool
        self._replicas = replicas
        self._query_timeout = query_timeout
        self._handlers = with_early_events(handlers)
        self._bus = bus
        self.clock: Callable[[], float] = time.time
        """Returns the process's time in Unix seconds."""
        self.events_committed = asyncio.Event()
        """Set when events were committed to the outbox. The relay clears it."""
        self.backlog = Backlog(pool)
        self._messages = self._handlers.messages
        self._prepared: set[int] = set()

    async def close(self) -> None:
        """Cancel the work that queries have left behind, and disconnect from the replicas. No query runs any more."""
        await self.backlog.close()
        if self._replicas:
            await self._replicas.close()

    async def commands(self, frame: Frame, *, redelivered: bool) -> Outcome:
        """Carry out a command frame exactly once. Raises RetryLaterError."""
        try:
            async with self._pool.acquire() as connection:
                return await self._once(connection, frame, check_inbox=redelivered)
        except DATABASE_UNAVAILABLE as error:
            raise RetryLaterError(repr(error)) from error
        except DATABASE_FULL as error:
            # No retry from here: the sender decides when to send the commands again. Retried until there
            # is room, they would become dead letters, or be carried out long after they were wanted.
            log.error("database_full", error=repr(error))  # noqa: TRY400
            return Outcome(dict.fromkeys(range(len(frame.envelopes)), _DATABASE_IS_FULL))

    async def query(self, envelope: Envelope) -> Answer:
        """Answer one query; never raises."""
        with bound_messages((envelope,)):
            return await self._query(envelope)

    async def _query(self, envelope: Envelope) -> Answer:
        try:
            message = dispatch.parse(self._messages, envelope)
            found = await self._from_replica(envelope, message) if self._replicas else None
            answer, afterwards = found or await self._from_primary(envelope, message)
            self.backlog.add(afterwards)
            return answer  # noqa: TRY300 - the work is added only if there is an answer
        except DomainError as error:
            return Answer.refusal(error)
        except DATABASE_UNAVAILABLE as error:
            log.warning("query_without_database", error=repr(error))
            return Answer(b"The database can't be reached.", ErrorCode.TEMPORARILY_UNAVAILABLE)
        except DATABASE_FULL as error:
            log.error("database_full", error=repr(error))  # noqa: TRY400
            return _DATABASE_IS_FULL
        except Exception:
            return dispatch.internal_error()

    async def _from_primary(self, envelope: Envelope, message: Message) -> _QueryAnswer:
        async with self._pool.acquire() as connection:
            if envelope.deadline <= await time_of_deadlines(connection, [envelope], self.clock):
                raise dispatch.expired()
            await self._prepare(connection, [envelope])
            return await self._answer_query(envelope, message, connection)

    async def _from_replica(self, envelope: Envelope, message: Message) -> _QueryAnswer | None:
        """Answer a query from a read replica; None if the primary must answer it."""
        if self._replicas is None:
            return None
        # On a replica no rows of a project can be created, and its clock does not count (ADR 61).
        prepared = self._handlers.prepare is None or envelope.project in self._prepared
        late = envelope.deadline <= self.clock()
        if type(message) in self._handlers.primary_only or late or not prepared:
            self._replicas.passed_over()
            return None
        try:
            return await self._replicas.read(partial(self._answer_query, envelope, message))
        except UsePrimaryError:
            return None

    async def _answer_query(
        self, envelope: Envelope, message: Message, connection: AnyConnection
    ) -> _QueryAnswer:
        # Without a transaction block: each statement of a query has its own snapshot, and the query saves
        # the round trips of BEGIN and COMMIT.
        tx = Transaction(envelope.project, envelope, self._bus, connection=connection)
        handled = self._handlers.single[type(message)](message, tx)
        answer = dispatch.answer(await in_time(handled, self._query_timeout))
        return answer, tx.afterwards

    async def _once(self, connection: AnyConnection, frame: Frame, *, check_inbox: bool) -> Outcome:
        for _ in range(MAX_ATTEMPTS):
            # Only a frame that may have been here before is looked up first. For a new one that would be
            # a round trip for nothing: if a copy of it is at work, storing its inbox row fails below.
            if check_inbox:
                known = await inbox.find(connection, [frame.id])
                if frame.id in known:
                    answers = known[frame.id]
                    if answers is not None:
                        return Outcome(answers)
                    break  # Begun one by one: finish it in the same way.
            try:
                return await self._in_one_transaction(connection, frame)
            except asyncpg.UniqueViolationError:
                # Perhaps a copy of the frame, or of a command with the same Idempotency-Key, has committed.
                check_inbox = True
            except TRANSACTION_CONFLICTS:
                continue
            except (*DATABASE_UNAVAILABLE, *DATABASE_FULL):
                raise
            except (_RunOneByOneError, Contention):
                break
            except Exception:
                # Running one by one finds the command that caused this, and saves the others.
                log.exception("frame_rolled_back", frame=frame.id.hex, size=len(frame.envelopes))
                break
        return await self._one_by_one(connection, frame)

    async def _in_one_transaction(self, connection: AnyConnection, frame: Frame) -> Outcome:
        """Carry out a frame in one transaction."""
        work = self._read(
            frame.envelopes, await time_of_deadlines(connection, frame.envelopes, self.clock)
        )
        await self._prepare(connection, frame.envelopes)
        if self._is_idempotent(work):
            await self._carry_out(connection, work)
            return Outcome(work.answers)
        async with connection.transaction():
            keys = await self._answer_known_keys(connection, work)
            await self._carry_out(connection, work)
            if work.events:
                await outbox.append(connection, work.events)
            keyed = {
                key: {0: work.answers[index]}
                for key, index in keys.items()
                if work.answers[index].error not in RETRYABLE
            }
            # In the transaction of the work: the answers are there if, and only if, the work is. So a
            # redelivered frame is answered, whenever its worker dies.
            await inbox.store(connection, {frame.id: work.answers, **keyed})
        if work.events:
            self.events_committed.set()
        if self._bus is not None and work.early:
            # After the commit: a subscriber can't take back what it does for an event, and this
            # transaction could still be rolled back.
            await deliver(self._bus, work.early)
        return Outcome(work.answers)

    def _is_idempotent(self, work: _Work) -> bool:
        """Return whether a frame needs no transaction block and no inbox row, which saves three round trips."""
        items = list(work.calls.values())
        return self._handlers.is_idempotent_batch(items) and not any(
            item.envelope.idempotency_key for item in items
        )

    async def _one_by_one(self, connection: AnyConnection, frame: Frame) -> Outcome:
        """Carry out a frame's commands in a transaction each, after its own transaction was rolled back."""
        # A replayed dead letter has the id of its only command. Its inbox row is the command's row.
        has_own_row = all(envelope.id != frame.id for envelope in frame.envelopes)
        if has_own_row:
            # Committed at once. From here on no copy of this frame can commit as a whole: its own inbox
            # row would have the same id. Otherwise the commands that are done here could be done twice.
            await inbox.begin_one_by_one(connection, frame.id)
        # A worker before this one may have died halfway. Its commands have inbox rows of their own.
        known = await inbox.find(connection, [frame.id, *(e.id for e in frame.envelopes)])
        if whole := known.get(frame.id):
            return Outcome(whole)
        answers: dict[int, Answer] = {}
        poison: dict[int, str] = {}
        for index, envelope in enumerate(frame.envelopes):
            try:
                done = known.get(envelope.id)
                answers[index] = (
                    done[0] if done else await self._in_own_transaction(connection, envelope)
                )
            except (*DATABASE_UNAVAILABLE, *DATABASE_FULL):
                raise
            except Exception as error:
                with bound_messages((envelope,)):
                    answers[index] = dispatch.internal_error()
                poison[index] = repr(error)[:500]
        # A frame with poison stays begun: its dead letters are not published yet. If this worker dies
        # first, its copy runs the poison again and publishes them. The other commands have their rows.
        if has_own_row and not poison:
            await inbox.finish_one_by_one(connection, frame.id, answers)
        return Outcome(answers, poison)

    async def _in_own_transaction(self, connection: AnyConnection, envelope: Envelope) -> Answer:
        """Carry out one command in its own transaction. A refusal undoes its writes."""
        with bound_messages((envelope,)):
            return await self._until_carried_out(connection, envelope)

    async def _until_carried_out(self, connection: AnyConnection, envelope: Envelope) -> Answer:
        for attempt in range(MAX_ATTEMPTS):
            try:
                answer = await self._in_one_transaction(
                    connection, Frame(envelope.id, "commands", [envelope])
                )
                return answer.answers[0]
            except (asyncpg.UniqueViolationError, *TRANSACTION_CONFLICTS, Contention):
                # Perhaps another worker has carried out this command: a copy of its frame was delivered.
                known = await inbox.find(connection, [envelope.id])
                if done := known.get(envelope.id):
                    return done[0]
                if attempt + 1 == MAX_ATTEMPTS:
                    raise
            except _RunOneByOneError as undo:
                # The rollback has undone the command's writes. Its refusal is the answer.
                cause = undo.__cause__
                if isinstance(cause, DomainError):
                    return Answer.refusal(cause)
                raise
        raise AssertionError  # The loop returns or raises.

    def _read(self, envelopes: Sequence[Envelope], now: float) -> _Work:
        """Parse messages, and refuse the ones that are late or invalid."""
        work = _Work()
        for index, envelope in enumerate(envelopes):
            try:
                if envelope.deadline <= now:
                    raise dispatch.expired()
                work.calls[index] = BatchItem(dispatch.parse(self._messages, envelope), envelope)
            except DomainError as error:
                work.answers[index] = Answer.refusal(error)
        return work

    async def _prepare(self, connection: AnyConnection, envelopes: Sequence[Envelope]) -> None:
        """Create the rows of projects that are new to this process.

        It runs outside the frame's transaction, so it stays done if the frame is rolled back.
        """
        projects = {envelope.project for envelope in envelopes} - self._prepared
        if projects and self._handlers.prepare:
            await self._handlers.prepare(connection, projects)
            self._prepared |= projects

    @staticmethod
    async def _answer_known_keys(connection: AnyConnection, work: _Work) -> dict[UUID, int]:
        """Answer repeated Idempotency-Keys from the inbox; return the ids of the new ones."""
        keys: dict[UUID, int] = {}
        for index, call in list(work.calls.items()):
            key = inbox.key_id(call.envelope)
            if key in keys:
                # The same key twice in one frame. The commands must run one by one, so that the second
                # gets the answer of the first.
                raise _RunOneByOneError
            if key is not None:
                keys[key] = index
        if keys:
            for key, stored in (await inbox.find(connection, list(keys))).items():
                index = keys.pop(key)
                del work.calls[index]
                work.answers[index] = (stored or {})[0]
        return keys

    async def _carry_out(self, connection: AnyConnection, work: _Work) -> None:
        """Run the handlers: single ones as they come, then each batch handler once with all its messages."""
        groups: dict[BatchHandler, list[int]] = {}
        for index, call in work.calls.items():
            batch = self._handlers.batch.get(type(call.message))
            if batch is None:
                work.answers[index] = await self._single(connection, call, work)
            else:
                groups.setdefault(batch, []).append(index)
        for handler, indexes in groups.items():
            results = await handler([work.calls[i] for i in indexes], connection)
            for index, result in zip(indexes, results, strict=True):
                work.answers[index] = dispatch.answer(result)

    async def _single(
        self, connection: AnyConnection, call: BatchItem[Message], work: _Work
    ) -> Answer:
        tx = Transaction(call.envelope.project, call.envelope, self._bus, connection=connection)
        try:
            with bound_messages((call.envelope,)):
                reply = await self._handlers.single[type(call.message)](call.message, tx)
        except DomainError as error:
            # The transaction is shared. Before a write a refusal leaves nothing behind, so the frame can
            # be committed. After one, only a rollback of the whole frame undoes this command.
            if tx.has_written:
                raise _RunOneByOneError from error
            return Answer.refusal(error)
        work.events.extend(tx.events)
        work.early.extend((call.envelope, event) for event in tx.events if event.early)
        return dispatch.answer(reply)


_DATABASE_IS_FULL = Answer(b"The database is full; retry later.", ErrorCode.TEMPORARILY_UNAVAILABLE)
