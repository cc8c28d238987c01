"""Protocols of the bus client, for code that calls services."""

from collections.abc import Callable, Sequence
from typing import Protocol

from shared.contracts.message import Kind
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, Envelope


class Bus(Protocol):
    """Sends commands and queries to services."""

    async def call(
        self, service: str, kind: Kind, envelope: Envelope, seconds: float | None = None
    ) -> Answer:
        """Return the service's answer; waits for at most ``seconds``.

        With None it waits until the envelope's deadline, which then must be a time of this process's clock.

        Raises DomainError: REQUEST_LIMIT_EXCEEDED when nothing was done, INVALID_PARAMETER_VALUE when
        the message is too large for the broker, TEMPORARILY_UNAVAILABLE when the outcome is unknown.
        """

    @property
    def ready(self) -> bool:
        """Return whether a call can be sent now."""


class EventfulBus(Bus, Protocol):
    """Also delivers events of the services to this process, while it is connected."""

    def subscribe(
        self,
        topics: Sequence[str],
        on_event: Callable[[ReceivedEvent], None],
        on_missed: Callable[[], None],
    ) -> None:
        """Subscribe to events; must be called before the client is started.

        ``on_missed`` is called when events may have been missed.
        """
