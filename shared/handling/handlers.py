"""The registry of a service's handlers, by type of message."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from shared.contracts.message import DomainEvent, Message
from shared.handling.context import Context

C = TypeVar("C", bound=Context)

Reply = BaseModel | bytes
"""A handler's result: a contract, or JSON that the database has written already."""

Handler: TypeAlias = Callable[[Any, C], Awaitable[Reply]]
"""``async def create_run(cmd: CreateRun, tx: Transaction) -> RunReply``; raises DomainError."""

EventHandler: TypeAlias = Callable[[Any, C], Awaitable[None]]
"""``async def on_run_purged(event: RunPurged, context: Context) -> None``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers(Generic[C]):
    """All handlers of a service.

    ``topology.ASKS`` names the services that handlers may call. A handler in ``events`` runs only if
    ``topology.SUBSCRIPTIONS`` routes its event to the service.
    """

    single: Mapping[type[Message], Handler[C]]
    events: Mapping[type[DomainEvent], EventHandler[C]] = field(default_factory=dict)

    @property
    def messages(self) -> dict[str, type[Message]]:
        """The contracts by name, as envelopes name them."""
        return {contract.__name__: contract for contract in self.single}

    @property
    def topics(self) -> dict[str, tuple[type[DomainEvent], EventHandler[C]]]:
        """The contract and the handler of each event, by its topic without the project."""
        return {contract.topic: (contract, handle) for contract, handle in self.events.items()}
