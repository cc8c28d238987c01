"""How a service lists its handlers, by type of message."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from shared.contracts.message import DomainEvent, Message
from shared.handling.context import Context

C = TypeVar("C", bound=Context)

Reply = BaseModel | bytes
"""What a handler returns: a contract, or JSON that the database already wrote."""

Handler: TypeAlias = Callable[[Any, C], Awaitable[Reply]]
"""``async def create_run(cmd: CreateRun, tx: Transaction) -> RunReply``; raises DomainError."""

EventHandler: TypeAlias = Callable[[Any, C], Awaitable[None]]
"""``async def on_run_purged(event: RunPurged, context: Context) -> None``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers(Generic[C]):
    """Everything a service does.

    Whom handlers may call is in ``topology.ASKS``.
    ``events`` are handled if ``topology.SUBSCRIPTIONS`` routes them to the service.
    """

    single: Mapping[type[Message], Handler[C]]
    events: Mapping[type[DomainEvent], EventHandler[C]] = field(default_factory=dict)

    @property
    def messages(self) -> dict[str, type[Message]]:
        """Contracts by the name that an envelope carries."""
        return {contract.__name__: contract for contract in self.single}

    @property
    def topics(self) -> dict[str, tuple[type[DomainEvent], EventHandler[C]]]:
        """Contract and handler of each event, by its topic without the project."""
        return {contract.topic: (contract, handle) for contract, handle in self.events.items()}
