"""What those who call services need of the bus's client, or of what stands in front of it."""

from typing import Protocol

from shared.bus.messages import Answer, Envelope, Kind


class Bus(Protocol):
    """Takes commands and queries to services."""

    async def call(self, service: str, kind: Kind, envelope: Envelope) -> Answer:
        """Return the service's answer.

        Raises DomainError: REQUEST_LIMIT_EXCEEDED when nothing was published,
        TEMPORARILY_UNAVAILABLE when the outcome is unknown.
        """

    @property
    def ready(self) -> bool:
        """Tell whether calls have a chance."""
