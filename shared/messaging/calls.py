"""What those who call services need of the bus's client, or of what stands in front of it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from shared.contracts.message import Kind
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, Envelope


class Bus(Protocol):
    """Takes commands and queries to services."""

    async def call(
        self, service: str, kind: Kind, envelope: Envelope, seconds: float | None = None
    ) -> Answer:
        """Return the service's answer, if there is one within so many ``seconds``.

        None: until the envelope's deadline, which then must be by the clock of this process.

        Raises DomainError: REQUEST_LIMIT_EXCEEDED when nothing was published,
        TEMPORARILY_UNAVAILABLE when the outcome is unknown.
        """

    @property
    def ready(self) -> bool:
        """Tell whether calls have a chance."""


class EventfulBus(Bus, Protocol):
    """Also lets a process hear what happens in the services, as long as it listens."""

    def subscribe(
        self,
        topics: Sequence[str],
        on_event: Callable[[ReceivedEvent], None],
        on_missed: Callable[[], None],
    ) -> None:
        """Hear of events, and of a gap in which some may have been missed.

        Called before the client is started.
        """
