"""How a service on PostgreSQL lists its handlers: single ones, and those that fuse a whole frame."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shared.contracts.errors import DomainError
from shared.contracts.message import Message
from shared.handling.handlers import Handlers, Reply
from shared.messaging.messages import Answer, Envelope
from shared.postgres.connection import AnyConnection
from shared.postgres.transaction import Transaction

M = TypeVar("M", bound=Message)


class Contention(Exception):
    """A batch can't be done as one statement; the executor runs its commands one by one."""


@dataclass(frozen=True, slots=True)
class BatchItem(Generic[M]):
    """A parsed message of a frame, with its envelope."""

    message: M
    envelope: Envelope


BatchResult = Reply | Answer | DomainError

BatchHandler = Callable[[Sequence[BatchItem[Any]], AnyConnection], Awaitable[list[BatchResult]]]
"""Carries out all items of a frame together; returns one result per item, in the items' order.

A result that is a DomainError has left nothing behind, so the rest of the batch may be committed.
May raise Contention.
"""

Prepare = Callable[[AnyConnection, set[int]], Awaitable[None]]
"""Runs before the first message of a project: creates what every project has from its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresHandlers(Handlers[Transaction]):
    """Everything a service on PostgreSQL does.

    A type of message is either in ``single`` or in ``batch``. Types that map to the same function
    in ``batch`` are fused into one call of it.

    ``is_idempotent_batch`` recognises items that one statement carries out, with the same effect
    once or twice. Such a frame needs no inbox, and no transaction but its statement's.
    """

    batch: Mapping[type[Message], BatchHandler] = field(default_factory=dict)
    prepare: Prepare | None = None
    is_idempotent_batch: Callable[[Sequence[BatchItem[Any]]], bool] = field(
        default=lambda _items: False
    )

    @property
    def messages(self) -> dict[str, type[Message]]:
        """Contracts by the name that an envelope carries."""
        return {contract.__name__: contract for contract in (*self.single, *self.batch)}
