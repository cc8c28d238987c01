"""The one place that knows the names and the arguments of exchanges and queues.

Only what behaves alike on RabbitMQ 3.10, 4.0 and 4.3 is used: explicit queue type and delivery
limit, dead-letter exchanges, TTL retry queues. No priorities, no transient shared queues.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from shared.bus.messages import Kind

EVENTS = "events"
"""Topic exchange of events; keys are ``<project>.<noun>.<verb>``."""

DEAD_LETTERS = "dead-letters"
"""Direct exchange; a dead letter's routing key is the name of the queue it came from."""

DELIVERY_LIMIT = 20
"""How often a frame may kill its worker before it is a dead letter."""

RETRY_DELAY = 0.5
"""Seconds that a frame rests in the retry queue."""

MAX_ATTEMPTS = 240
"""Deliveries by way of the retry queue, after which a frame is a dead letter."""

ATTEMPT_HEADER = "x-warren-attempt"


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A durable queue and its arguments."""

    name: str
    type: Literal["quorum", "classic"]
    arguments: dict[str, str | int] = field(default_factory=dict)
    dead_letters_of: str | None = None
    """Bound to the dead-letter exchange for this queue's name."""

    @property
    def all_arguments(self) -> dict[str, str | int]:
        """Return the arguments with the explicit type."""
        return {"x-queue-type": self.type, **self.arguments}


def queue_name(service: str, kind: Kind) -> str:
    """Return the queue that a service's commands or queries go to."""
    return f"{service}.{kind}"


def retry_queue(service: str) -> str:
    """Return the queue where a service's command frames wait before the next attempt."""
    return f"{service}.commands.retry"


def dead_letter_queue(service: str) -> str:
    """Return the queue that keeps a service's dead command frames."""
    return f"{service}.commands.dead"


def queues(service: str) -> Iterator[QueueSpec]:
    """List every queue of a service."""
    commands = queue_name(service, "commands")
    yield QueueSpec(
        commands,
        "quorum",
        {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_LETTERS,
            "x-dead-letter-routing-key": commands,
        },
    )
    yield QueueSpec(
        retry_queue(service),
        "quorum",
        {
            "x-message-ttl": int(RETRY_DELAY * 1000),
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": commands,
        },
    )
    yield QueueSpec(dead_letter_queue(service), "quorum", dead_letters_of=commands)
    # A query is worth nothing after its client has left: messages are transient and expire.
    yield QueueSpec(queue_name(service, "queries"), "classic")
