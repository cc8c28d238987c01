"""The one place that knows the names and the arguments of exchanges and queues.

Only what behaves alike on RabbitMQ 3.10, 4.0 and 4.3 is used: explicit queue type and delivery
limit, dead-letter exchanges, TTL retry queues. No priorities, no transient shared queues.
"""

from collections.abc import Iterator, Mapping, Sequence
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

TOPIC_HEADER = "x-warren-topic"
"""The routing key that an event was published with; on its way through a retry queue it loses it."""

Subscriptions = Mapping[str, Sequence[str]]
"""Topics, as ``<noun>.<verb>``, by the service that wants to hear of them, in all projects."""

SUBSCRIPTIONS: Subscriptions = {
    "tracking": ("registered_model.deleted", "model_version.created", "model_version.deleted"),
    "artifacts": ("run.purged", "logged_model.purged", "experiment.purged"),
}
"""Who hears what. A handler of an event is listed here and in its service (``Handlers.events``)."""


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A durable queue and its arguments."""

    name: str
    type: Literal["quorum", "classic"]
    arguments: dict[str, str | int] = field(default_factory=dict)
    dead_letters_of: str | None = None
    """Bound to the dead-letter exchange for this queue's name."""
    topics: Sequence[str] = ()
    """Bound to the exchange of events for each of these, in every project."""

    @property
    def all_arguments(self) -> dict[str, str | int]:
        """Return the arguments with the explicit type."""
        return {"x-queue-type": self.type, **self.arguments}


def queue_name(service: str, kind: Kind | Literal["events"]) -> str:
    """Return the queue that a service's commands, queries or events go to."""
    return f"{service}.{kind}"


def retry_queue(queue: str) -> str:
    """Return the queue where messages of a queue wait before the next attempt."""
    return f"{queue}.retry"


def dead_letter_queue(queue: str) -> str:
    """Return the queue that keeps the dead messages of a queue."""
    return f"{queue}.dead"


def binding_key(topic: str) -> str:
    """Return the binding that lets a topic of every project through."""
    return f"*.{topic}"


def queues(service: str) -> Iterator[QueueSpec]:
    """List the queues of a service's commands and queries."""
    yield from _lasting(queue_name(service, "commands"))
    # A query is worth nothing after its client has left: messages are transient and expire.
    yield QueueSpec(queue_name(service, "queries"), "classic")


def event_queues(subscriptions: Subscriptions) -> Iterator[QueueSpec]:
    """List the queues of every service's events.

    Whoever publishes declares them too: an event must not be lost because the service that wants
    it has yet to start for the first time.
    """
    for service, topics in subscriptions.items():
        yield from _lasting(queue_name(service, "events"), topics)


def _lasting(name: str, topics: Sequence[str] = ()) -> Iterator[QueueSpec]:
    """List a queue whose messages outlive the broker, and those where they are tried again and die."""
    yield QueueSpec(
        name,
        "quorum",
        {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_LETTERS,
            "x-dead-letter-routing-key": name,
        },
        topics=topics,
    )
    yield QueueSpec(
        retry_queue(name),
        "quorum",
        {
            "x-message-ttl": int(RETRY_DELAY * 1000),
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": name,
        },
    )
    yield QueueSpec(dead_letter_queue(name), "quorum", dead_letters_of=name)
