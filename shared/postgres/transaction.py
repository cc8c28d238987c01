"""What a handler gets of the database, and how a service lists its handlers.

The executor (``shared.postgres.executor``) owns the transaction: it begins and commits it, one for a
whole frame. A handler only ever sees its own command's view of it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID, uuid5

from asyncpg import Connection, Record
from asyncpg.pool import PoolConnectionProxy
from pydantic import BaseModel

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Command, DomainEvent, Message, Query
from shared.messaging.calls import Bus
from shared.messaging.messages import Answer, Envelope, new_id

M = TypeVar("M", bound=Message)

AnyConnection: TypeAlias = "Connection[Record] | PoolConnectionProxy[Record]"
"""A connection, pooled or not. Quoted: only asyncpg's stubs know the type parameter."""

Reply = BaseModel | bytes
"""What a handler returns: a contract, or JSON that the database already wrote."""


class Contention(Exception):
    """A batch can't be done as one statement; the executor runs its commands one by one."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for the outbox; ``topic`` is ``<project>.<noun>.<verb>``, payload JSON.

    ``at_once``: see ``Transaction.tell``.
    """

    id: UUID
    topic: str
    payload: bytes
    traceparent: str = ""
    at_once: bool = False


ASK_SECONDS = 5.0
"""How long a handler waits for another service: its transaction is open meanwhile."""


@dataclass(slots=True)
class Transaction:
    """One command's view of the transaction.

    ``writes`` tells the executor that a refusal comes too late to keep the frame: what this command
    wrote before must be undone, so the frame rolls back and its commands run one by one. Stores
    therefore write through ``write…`` and read through ``fetch…``.
    """

    connection: AnyConnection
    project: int
    envelope: Envelope
    bus: Bus | None = None
    events: list[Event] = field(default_factory=list)
    writes: bool = False
    has_begun: bool = False
    """Whether another service has done something for this command, or may have."""

    async def ask(self, query: Query, project: int | None = None) -> bytes:
        """Ask a service that ``Handlers.asks`` names, on behalf of this command's caller.

        It is about this command's project, unless another one is named.
        Returns the JSON of the answer. Raises the other service's DomainError, or
        REQUEST_LIMIT_EXCEEDED if it does not answer. Ask before anything is written: then the
        caller may safely send the command again.
        """
        return await self._call(query, project)

    async def have_done(self, command: Command) -> bytes:
        """Have a service that ``Handlers.asks`` names do something; else as ``ask``.

        The other service commits for itself. This command may be refused after that, or be carried
        out again: so its part must be one that does no harm alone, and that is done twice as well
        as once.
        """
        return await self._call(command)

    async def _call(self, message: Query | Command, project: int | None = None) -> bytes:
        if self.bus is None or self.writes:
            fault = "A handler asks services that Handlers.asks names, and asks before it writes."
            raise RuntimeError(fault)
        name = type(message).__name__
        payload = message.model_dump_json(exclude_none=True).encode()
        envelope = replace(
            self.envelope,
            id=uuid5(self.envelope.id, f"{name} {payload.hex()}"),
            name=name,
            project=self.project if project is None else project,
            payload=payload,
            idempotency_key=None,
        )
        does = isinstance(message, Command)
        try:
            # The deadline stays what the sender's clock made of it; ours may be another.
            answer = await self.bus.call(message.service, message.kind, envelope, ASK_SECONDS)
        except DomainError as error:
            unsent = error.code is ErrorCode.REQUEST_LIMIT_EXCEEDED
            self.has_begun = self.has_begun or (does and not unsent)
            raise self._unanswered(message.service) from error
        self.has_begun = self.has_begun or (does and answer.error is None)
        return answer.checked()

    def _unanswered(self, service: str) -> DomainError:
        done = "A part may have been done" if self.has_begun else "Nothing was done"
        text = f"The {service} service did not answer. {done}; try again."
        return DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, text)

    def tell(self, event: DomainEvent, *, at_once: bool = False) -> None:
        """Put an event into the outbox when the transaction commits.

        ``at_once``: the command is answered after the services that subscribe to the event have
        handled it, so that its client reads there what it has written. ``Handlers.asks`` names them.
        """
        if at_once and self.bus is None:
            fault = "A service tells events at once to those that Handlers.asks names."
            raise RuntimeError(fault)
        payload = event.__pydantic_serializer__.to_json(event, exclude_none=True)
        topic = f"{self.project}.{event.topic}"
        told = Event(new_id(), topic, payload, self.envelope.traceparent, at_once)
        self.events.append(told)

    async def fetch(self, sql: str, *values: Any) -> list[Record]:
        """Read rows."""
        return await self.connection.fetch(sql, *values)

    async def fetch_row(self, sql: str, *values: Any) -> Record | None:
        """Read one row, or None."""
        return await self.connection.fetchrow(sql, *values)

    async def fetch_value(self, sql: str, *values: Any) -> Any:
        """Read the first column of the first row, or None."""
        return await self.connection.fetchval(sql, *values)

    async def write(self, sql: str, *values: Any) -> None:
        """Write."""
        self.writes = True
        await self.connection.execute(sql, *values)

    async def write_row(self, sql: str, *values: Any) -> Record | None:
        """Write, and return the first row of RETURNING, or None.

        Without a row nothing counts as written: ``UPDATE … WHERE`` found nothing.
        """
        row = await self.connection.fetchrow(sql, *values)
        self.writes = self.writes or row is not None
        return row


@dataclass(frozen=True, slots=True)
class Call(Generic[M]):
    """A parsed message of a batch, with its context."""

    message: M
    envelope: Envelope


Handler = Callable[[Any, Transaction], Awaitable[Reply]]
"""``async def create_run(cmd: CreateRun, tx: Transaction) -> RunReply``; raises DomainError."""

BatchResult = Reply | Answer | DomainError

BatchHandler = Callable[[Sequence[Call[Any]], AnyConnection], Awaitable[list[BatchResult]]]
"""All calls of a frame that one function fuses; one result per call, in the calls' order.

A result that is a DomainError has left nothing behind; so the rest of the batch may be committed.
May raise Contention.
"""

EventHandler = Callable[[Any, Transaction], Awaitable[None]]
"""``async def on_run_purged(event: RunPurged, tx: Transaction) -> None``."""

Prepare = Callable[[AnyConnection, set[int]], Awaitable[None]]
"""Runs before the first message of a project: what every project has from its start."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """All that a service does, by type of message.

    A type is either in ``single`` or in ``batch``. Types that map to the same function in ``batch``
    are fused into one call of it. ``asks`` names the services that handlers ask (``tx.ask``).
    ``events`` are handled if ``topology.SUBSCRIPTIONS`` brings them here.

    ``repeatable`` recognises a frame's calls that one statement carries out and that may be carried
    out again: with the same effect, once or twice. Such a frame needs no inbox, and no transaction
    but its statement's.
    """

    single: Mapping[type[Message], Handler]
    batch: Mapping[type[Message], BatchHandler] = field(default_factory=dict)
    prepare: Prepare | None = None
    asks: Sequence[str] = ()
    events: Mapping[type[DomainEvent], EventHandler] = field(default_factory=dict)
    repeatable: Callable[[Sequence[Call[Any]]], bool] = field(default=lambda _calls: False)

    @property
    def messages(self) -> dict[str, type[Message]]:
        """Contracts by the name that an envelope carries."""
        return {contract.__name__: contract for contract in (*self.single, *self.batch)}
