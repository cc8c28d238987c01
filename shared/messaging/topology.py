"""The one place that knows the names and the arguments of exchanges and queues.

A **party** is whoever has an account at the broker: a service, the gateway, the command line. A party writes
to its own exchanges alone, and bindings decide where those lead: so the exchange of a message tells who
sent it, and nobody can say otherwise (ADR 62). ``shared.messaging.permissions`` derives the accounts' rights from here.

Only what behaves alike on RabbitMQ 3.10, 4.0 and 4.3 is used: explicit queue type and delivery
limit, dead-letter exchanges, TTL retry queues. No priorities, no transient shared queues.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shared.contracts.message import Kind
from shared.runtime.settings import TransientQueues

REQUESTS = "requests"
"""Direct exchange of a party that asks services; keys are the names of their queues."""

REPLIES = "replies"
"""Direct exchange of a service; keys are the addresses that askers have bound to it."""

REQUEUE = "requeue"
"""Direct exchange of a service for its own messages: what is tried again, and what has died; keys are queues."""

OUTBOX = "outbox"
"""Topic exchange of a service's events; keys are ``<project>.<noun>.<verb>``."""

DEAD_LETTERS = "dead-letters"
"""Direct exchange that the broker alone writes to; a key is the name of the queue that a message died in."""

DELIVERY_LIMIT = 20
"""How often a frame may kill its worker before it is a dead letter."""

NO_DELIVERY_LIMIT = 2**31 - 1
"""Of a queue of dead letters: looking at one counts as a delivery, and RabbitMQ 4 drops what passes
its own limit of 20, of which 3.10 knows neither the default nor -1 for none."""


@dataclass(frozen=True, slots=True)
class RetryDelay:
    """How long, in seconds, a message waits before each of so many ``attempts``."""

    seconds: float
    attempts: int


COMMAND_RETRY_SCHEDULE = (RetryDelay(0.5, 240),)
"""Two minutes: whoever sent the command has long been answered that its outcome is unknown."""

EVENT_RETRY_SCHEDULE = (RetryDelay(0.5, 20), RetryDelay(10, 30), RetryDelay(300, 576))
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

SERVICES = ("access", "artifacts", "registry", "tracking")
"""All that have queues. A deployment need not run each of them."""

GATEWAY = "gateway"
CLI = "cli"
"""The command ``warren``, which also looks at dead letters and sends them back."""

PARTIES = (GATEWAY, *SERVICES, CLI)

Asks = Mapping[str, Mapping[str, Sequence[str] | None]]
"""The names of the messages that an asker may send to a service; None: all of them."""

ASKS: Asks = {
    GATEWAY: dict.fromkeys(SERVICES),
    CLI: dict.fromkeys(SERVICES),
    "registry": {
        "tracking": (
            "EnsureModelExperiment",
            "EnsureVersionRun",
            "GetLoggedModel",
            "GetRun",
            "HandleEvent",
            "RenameModelExperiment",
        ),
    },
    "access": {"tracking": ("ListTrackedKinds",), "registry": ("ListRegisteredKinds",)},
}
"""Who asks whom for what. The broker takes nothing from others, and a service refuses what is not named here."""

Subscriptions = Mapping[str, Mapping[str, Sequence[str]]]
"""Topics, as ``<noun>.<verb>``, by the service that wants to hear of them, in all projects, and the one that tells."""

SUBSCRIPTIONS: Subscriptions = {
    "tracking": {
        "registry": ("registered_model.deleted", "model_version.created", "model_version.deleted"),
    },
    "artifacts": {"tracking": ("run.purged", "logged_model.purged", "experiment.purged")},
}
"""Who hears what. A handler of an event is listed here and in its service (``Handlers.events``)."""

RETIRED: Subscriptions = {}
"""Who no longer hears what. RabbitMQ keeps the binding of a topic that left ``SUBSCRIPTIONS`` until it
is undone, which provisioning does; a line may go after one release."""

LISTENERS: Mapping[str, Sequence[str]] = {GATEWAY: ("access",)}
"""Parties whose every process hears the events of some services, as long as it is connected."""


def subscribers(topic: str) -> Sequence[str]:
    """List the services that subscribe to a topic, ``<noun>.<verb>``."""
    return [
        service
        for service, told in SUBSCRIPTIONS.items()
        if any(topic in topics for topics in told.values())
    ]


TRANSIENT: tuple[Kind, ...] = ("transient-commands", "queries")
"""What the broker keeps nothing of on disk."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What an exchange is to bring to a queue."""

    exchange: str
    key: str


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A durable queue, its arguments and its bindings."""

    name: str
    type: Literal["quorum", "classic"]
    arguments: dict[str, str | int] = field(default_factory=dict)
    bindings: Sequence[Binding] = ()
    retired: Sequence[Binding] = ()
    """Bindings of releases before."""
    replaceable: bool = False
    """Nobody misses it or what is in it, so that one of another type may take its place."""

    @property
    def all_arguments(self) -> dict[str, str | int]:
        """Return the arguments with the explicit type."""
        return {"x-queue-type": self.type, **self.arguments}


def exchange_name(party: str, role: str) -> str:
    """Return a party's exchange for one of the roles ``REQUESTS``, ``REPLIES``, ``REQUEUE``, ``OUTBOX``."""
    return f"{party}.{role}"


def exchange_type(exchange: str) -> Literal["direct", "topic"]:
    """Return how an exchange reads keys."""
    return "topic" if exchange.endswith(f".{OUTBOX}") else "direct"


def queue_name(service: str, kind: Kind | Literal["events"]) -> str:
    """Return the queue that a service's commands, queries or events go to."""
    return f"{service}.{kind}"


def retry_queue(queue: str, attempt: int) -> str | None:
    """Return the queue where a message of ``queue`` waits for an attempt; None: that is one too many.

    Attempts are counted from 1, the first after the first failure.
    """
    for rest in _rests(queue):
        if attempt <= rest.attempts:
            return _retry_queues(queue, rest)
        attempt -= rest.attempts
    return None


def _rests(queue: str) -> Sequence[RetryDelay]:
    return EVENT_RETRY_SCHEDULE if queue.endswith(".events") else COMMAND_RETRY_SCHEDULE


def _retry_queues(queue: str, rest: RetryDelay) -> str:
    """Name the queue of a rest; the shortest one's is older than the others."""
    return f"{queue}.retry" if rest is _rests(queue)[0] else f"{queue}.retry-{rest.seconds:g}s"


def dead_letter_queue(queue: str) -> str:
    """Return the queue that keeps the dead messages of a queue."""
    return f"{queue}.dead-letters"


def lasting_queues() -> list[str]:
    """List the queues that messages may die in."""
    return [queue_name(service, kind) for service in SERVICES for kind in ("commands", "events")]


def binding_key(topic: str) -> str:
    """Return the binding that lets a topic of every project through."""
    return f"*.{topic}"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a deployment chooses of the topology, and what tests do."""

    transient_queues: TransientQueues = "classic"
    subscriptions: Subscriptions = field(default_factory=lambda: SUBSCRIPTIONS)
    retired: Subscriptions = field(default_factory=lambda: RETIRED)
    asks: Asks = field(default_factory=lambda: ASKS)
    listeners: Mapping[str, Sequence[str]] = field(default_factory=lambda: LISTENERS)

    def queues(self, services: Sequence[str]) -> list[QueueSpec]:
        """List the queues of some services, and everybody's queues of events.

        An event must not be lost because the service that wants it has yet to start for the first time.
        """
        return [
            *(spec for service in services for spec in self._queues(service)),
            *(spec for service in self.subscriptions for spec in self._event_queues(service)),
        ]

    def exchanges(self, queues: Sequence[QueueSpec], party: str = "") -> list[str]:
        """List the exchanges that lead to some queues, and those that a party reads or writes."""
        bound = [each.exchange for spec in queues for each in (*spec.bindings, *spec.retired)]
        asked = [exchange_name(service, REPLIES) for service in self.asks.get(party, ())]
        heard = [exchange_name(service, OUTBOX) for service in self.listeners.get(party, ())]
        own = [exchange_name(party, role) for role in self.roles(party)]
        return sorted({*bound, *asked, *heard, *own})

    def roles(self, party: str) -> list[str]:
        """List the roles of the exchanges that a party writes to."""
        asks = [REQUESTS] if self.asks.get(party) else []
        serves = self.askers(party) or party in self.subscriptions
        return [*asks, *((REPLIES, REQUEUE, OUTBOX) if serves else ())]

    def askers(self, service: str) -> Mapping[str, Sequence[str] | None]:
        """Return what the askers of a service may ask it for."""
        return {asker: asked[service] for asker, asked in self.asks.items() if service in asked}

    def _queues(self, service: str) -> Iterator[QueueSpec]:
        """List the queues of a service's commands and queries."""
        commands = queue_name(service, "commands")
        # A transient command whose worker died goes on as a lasting one.
        again = [Binding(exchange_name(service, REQUEUE), commands)]
        yield from _lasting(service, commands, [*self._requests(service, commands), *again])
        # These are worth nothing after their client has left: messages are transient and expire.
        limits: dict[str, str | int] = (
            {"x-delivery-limit": DELIVERY_LIMIT} if self.transient_queues == "quorum" else {}
        )
        for kind in TRANSIENT:
            name = queue_name(service, kind)
            bindings = self._requests(service, name)
            yield QueueSpec(name, self.transient_queues, limits, bindings, replaceable=True)

    def _event_queues(self, service: str) -> Iterator[QueueSpec]:
        """List the queues of a service's events."""
        name = queue_name(service, "events")
        replays = [Binding(exchange_name(CLI, REQUESTS), name)]
        bindings = [*_topics(self.subscriptions[service]), *replays]
        yield from _lasting(service, name, bindings, _topics(self.retired.get(service, {})))

    def _requests(self, service: str, queue: str) -> list[Binding]:
        return [Binding(exchange_name(asker, REQUESTS), queue) for asker in self.askers(service)]


LAYOUT = Layout()
"""The topology."""


def _topics(topics: Mapping[str, Sequence[str]]) -> list[Binding]:
    return [
        Binding(exchange_name(teller, OUTBOX), binding_key(topic))
        for teller, told in topics.items()
        for topic in told
    ]


def _lasting(
    service: str, name: str, bindings: Sequence[Binding], retired: Sequence[Binding] = ()
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
        bindings,
        retired,
    )
    requeue = exchange_name(service, REQUEUE)
    for rest in _rests(name):
        resting = _retry_queues(name, rest)
        yield QueueSpec(
            resting,
            "quorum",
            {
                "x-message-ttl": int(rest.seconds * 1000),
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": name,
            },
            [Binding(requeue, resting)],
        )
    dead = dead_letter_queue(name)
    yield QueueSpec(
        dead,
        "quorum",
        {"x-delivery-limit": NO_DELIVERY_LIMIT},
        [Binding(DEAD_LETTERS, name), Binding(requeue, dead)],
    )
