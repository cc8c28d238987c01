"""The registry of the handlers of a service on PostgreSQL: single handlers and batch handlers."""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from asyncpg import Pool, Record

from shared.contracts.diagnosis import Diagnose
from shared.contracts.errors import DomainError
from shared.contracts.message import Message
from shared.handling.handlers import Handlers, Reply
from shared.messaging.calls import Bus
from shared.messaging.messages import Answer, Envelope
from shared.postgres.connection import AnyConnection
from shared.postgres.transaction import Transaction

M = TypeVar("M", bound=Message)


class Contention(Exception):
    """A batch can't be carried out together now. The executor then runs its commands one by one."""


class BatchItem(NamedTuple, Generic[M]):
    """A parsed message of a frame, with its envelope."""

    message: M
    envelope: Envelope


BatchResult = Reply | Answer | DomainError

BatchHandler = Callable[[Sequence[BatchItem[Any]], AnyConnection], Awaitable[list[BatchResult]]]
"""Carries out all items of a frame together. Returns one result for each item, in the same order.

An item whose result is a DomainError must have written nothing, so that the rest can be committed.
May raise Contention.
"""

Ask = Callable[[Mapping[int, tuple[Any, Transaction]]], Awaitable[Mapping[int, DomainError]]]
"""Asks other services for all commands of a frame, before its transaction begins and anything is locked.

It gets the commands by their index in the frame, and returns those that are refused. May raise Contention.
"""

Lock = Callable[[Mapping[int, BatchItem[Any]], AnyConnection], Awaitable[Collection[int]]]
"""Locks what the commands of a frame write, in one order, before the first of them runs.

Without it two frames with the same rows in another order would be in a deadlock. It returns the indexes of the
commands for which it has written: if one of them is refused, the frame is undone. May raise Contention.
"""

Background = Callable[["Pool[Record]", Bus | None], Coroutine[Any, Any, None]]
"""A task on the service's database. The bus sends to services of ``topology.ASKS``, if there are any."""

Prepare = Callable[[AnyConnection, set[int]], Awaitable[None]]
"""Runs before a process's first message of a project. Creates the rows that every project has from its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresHandlers(Handlers[Transaction]):
    """All handlers of a service on PostgreSQL.

    A type of message is either in ``single`` or in ``batch``. Types with the same function in ``batch``
    are passed to it in one call.

    ``is_idempotent_batch`` returns whether one statement carries out all items, and whether carrying
    them out twice has the same effect as once. Such a frame needs no inbox row, and only the transaction
    of its statement.
    """

    batch: Mapping[type[Message], BatchHandler] = field(default_factory=dict)
    prepare: Prepare | None = None
    ask: Ask | None = None
    lock: Lock | None = None
    is_idempotent_batch: Callable[[Sequence[BatchItem[Any]]], bool] = field(
        default=lambda _items: False
    )
    background: Mapping[str, Background] = field(default_factory=dict)
    """Tasks of the service by name. They run for as long as its process does, beside the messages."""

    primary_only: Collection[type[Message]] = (Diagnose,)
    """Queries that never run on a read replica (``shared.postgres.replicas``)."""

    @property
    def messages(self) -> dict[str, type[Message]]:
        """The contracts by name, as envelopes name them."""
        return {contract.__name__: contract for contract in (*self.single, *self.batch)}
