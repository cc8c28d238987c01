"""The one place that knows the names and the arguments of exchanges and queues.

Only what behaves alike on RabbitMQ 3.10, 4.0 and 4.3 is used: explicit queue type and delivery
limit, dead-letter exchanges, TTL retry queues. No priorities, no transient shared queues.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shared.contracts.message import Kind
from shared.runtime.settings import TransientQueues

EVENTS = "events"
"""Topic exchange of events; keys are ``<project>.<noun>.<verb>``."""

DEAD_LETTERS = "dead-letters"
"""Direct exchange; a dead letter's routing key is the name of the queue it came from."""

DELIVERY_LIMIT = 20
"""How often a frame may kill its worker before it is a dead letter."""

NO_DELIVERY_LIMIT = 2**31 - 1
"""Of a queue of dead letters: looking at one counts as a delivery, and RabbitMQ 4 drops what passes
its own limit of 20, of which 3.10 knows neither the default nor -1 for none."""


@dataclass(frozen=True, slots=True)
class Rest:
    """How long, in seconds, a message waits before each of so many ``attempts``."""

    seconds: float
    attempts: int


COMMAND_RESTS = (Rest(0.5, 240),)
"""Two minutes: whoever sent the command has long been answered that its outcome is unknown."""

EVENT_RESTS = (Rest(0.5, 20), Rest(10, 30), Rest(300, 576))
"""Two days: nobody else asks again for what an event asks for, and a storage may be away for long."""

ATTEMPT_HEADER = "x-warren-attempt"

REASON_HEADER = "x-warren-reason"
"""Why a message is a dead letter; RabbitMQ's own ``x-death`` only says how."""

DIED_HEADER = "x-warren-died"
"""When a message became a dead letter, in Unix milliseconds."""

TOPIC_HEADER = "x-warren-topic"
"""The routing key that an event was published with; on its way through a retry queue it loses it."""

TRACE_HEADER = "traceparent"
"""W3C's, of the command that an event tells of."""

Subscriptions = Mapping[str, Sequence[str]]
"""Topics, as ``<noun>.<verb>``, by the service that wants to hear of them, in all projects."""

SUBSCRIPTIONS: Subscriptions = {
    "tracking": ("registered_model.deleted", "model_version.created", "model_version.deleted"),
    "artifacts": ("run.purged", "logged_model.purged", "experiment.purged"),
}
"""Who hears what. A handler of an event is listed here and in its service (``Handlers.events``)."""

RETIRED: Subscriptions = {}
"""Who no longer hears what. RabbitMQ keeps the binding of a topic that left ``SUBSCRIPTIONS`` until it
is undone, which every process does that declares the queues; a line may go after one release."""

SERVICES = ("access", "artifacts", "registry", "tracking")
"""All that have queues. A deployment need not run each of them."""


def subscribers(topic: str) -> Sequence[str]:
    """List the services that subscribe to a topic, ``<noun>.<verb>``."""
    return [service for service, topics in SUBSCRIPTIONS.items() if topic in topics]


TRANSIENT: tuple[Kind, ...] = ("transient-commands", "queries")
"""What the broker keeps nothing of on disk."""


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
    retired: Sequence[str] = ()
    """No longer bound to the exchange of events for these."""
    replaceable: bool = False
    """Nobody misses it or what is in it, so that one of another type may take its place."""

    @property
    def all_arguments(self) -> dict[str, str | int]:
        """Return the arguments with the explicit type."""
        return {"x-queue-type": self.type, **self.arguments}


def queue_name(service: str, kind: Kind | Literal["events"]) -> str:
    """Return the queue that a service's commands, queries or events go to."""
    return f"{service}.{kind}"


def retry_queue(queue: str, attempt: int) -> str | None:
    """Return the queue where a message of ``queue`` waits for an attempt; None: that is one too many.

    Attempts are counted from 1, the first after the first failure.
    """
    for rest in _rests(queue):
        if attempt <= rest.attempts:
            return _resting(queue, rest)
        attempt -= rest.attempts
    return None


def _rests(queue: str) -> Sequence[Rest]:
    return EVENT_RESTS if queue.endswith(".events") else COMMAND_RESTS


def _resting(queue: str, rest: Rest) -> str:
    """Name the queue of a rest; the shortest one's is older than the others."""
    return f"{queue}.retry" if rest is _rests(queue)[0] else f"{queue}.retry-{rest.seconds:g}s"


def dead_letter_queue(queue: str) -> str:
    """Return the queue that keeps the dead messages of a queue."""
    return f"{queue}.dead-letters"


def binding_key(topic: str) -> str:
    """Return the binding that lets a topic of every project through."""
    return f"*.{topic}"


def queues(service: str, transient_queues: TransientQueues = "classic") -> Iterator[QueueSpec]:
    """List the queues of a service's commands and queries."""
    yield from _lasting(queue_name(service, "commands"))
    # These are worth nothing after their client has left: messages are transient and expire.
    limits: dict[str, str | int] = (
        {"x-delivery-limit": DELIVERY_LIMIT} if transient_queues == "quorum" else {}
    )
    for kind in TRANSIENT:
        yield QueueSpec(queue_name(service, kind), transient_queues, limits, replaceable=True)


def event_queues(
    subscriptions: Subscriptions, retired: Subscriptions = RETIRED
) -> Iterator[QueueSpec]:
    """List the queues of every service's events.

    Whoever publishes declares them too: an event must not be lost because the service that wants
    it has yet to start for the first time.
    """
    for service, topics in subscriptions.items():
        queue = queue_name(service, "events")
        yield from _lasting(queue, topics, retired.get(service, ()))


def _lasting(
    name: str, topics: Sequence[str] = (), retired: Sequence[str] = ()
) -> Iterator[QueueSpec]:
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
        retired=retired,
    )
    for rest in _rests(name):
        yield QueueSpec(
            _resting(name, rest),
            "quorum",
            {
                "x-message-ttl": int(rest.seconds * 1000),
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": name,
            },
        )
    yield QueueSpec(
        dead_letter_queue(name),
        "quorum",
        {"x-delivery-limit": NO_DELIVERY_LIMIT},
        dead_letters_of=name,
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """What a deployment chooses of the topology, and what tests do."""

    transient_queues: TransientQueues = "classic"
    subscriptions: Subscriptions = field(default_factory=lambda: SUBSCRIPTIONS)
    retired: Subscriptions = field(default_factory=lambda: RETIRED)

    def queues(self, services: Sequence[str]) -> list[QueueSpec]:
        """List the queues of some services, and everybody's queues of events."""
        return [
            *(spec for service in services for spec in queues(service, self.transient_queues)),
            *event_queues(self.subscriptions, self.retired),
        ]


LAYOUT = Layout()
