"""The interface between a worker and its service: the processor that carries out messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, Answers, Envelope, Frame


class RetryLaterError(Exception):
    """The message can't be processed now (the database is unavailable). Another attempt may succeed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a command frame: answers by index, and poison commands, as index and reason.

    A poison command raised an unexpected error. It goes to the dead letters.
    """

    answers: Answers
    poison: Mapping[int, str] = field(default_factory=dict)


class Processor(Protocol):
    """Processes a service's frames, independent of the transport."""

    async def commands(self, frame: Frame, *, redelivered: bool) -> Outcome:
        """Carry out a frame exactly once; ``redelivered`` frames may be done already. Raises RetryLaterError."""

    async def query(self, envelope: Envelope) -> Answer:
        """Answer one query."""


class EventProcessor(Protocol):
    """Processes a service's events."""

    async def event(self, event: ReceivedEvent) -> None:
        """Handle an event. A repetition has no effect. Raises RetryLaterError."""
