"""Defines the names and arguments of all exchanges and queues, and who sends what to whom.

A **party** has an account at the broker: a service, the gateway or the command line. It writes to its own
exchanges only, and bindings decide which queues those lead to. So the exchange of a message proves its
sender (ADR 62). ``shared.messaging.permissions`` derives the accounts' permissions from here.

Only features that work alike on RabbitMQ 3.10, 4.0 and 4.3 are used: explicit queue type and delivery
limit, dead-letter exchanges, TTL retry queues. No priorities, no transient shared queues.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shared.contracts.message import Kind
from shared.runtime.settings import TransientQueues

REQUESTS = "requests"
"""Direct exchange of a party that sends to services; keys are the names of their queues."""

REPLIES = "replies"
"""Direct exchange of a service; keys are the reply addresses that its askers have bound to it."""

REQUEUE = "requeue"
"""Direct exchange of a service for its own messages: retries and dead letters; keys are queues."""

OUTBOX = "outbox"
"""Topic exchange of a service's events; keys are ``<project>.<noun>.<verb>``."""

DEAD_LETTERS = "dead-letters"
"""Direct exchange that only the broker writes to; a key is the name of the queue in which a message died."""

DELIVERY_LIMIT = 20
"""How often a frame may be redelivered, because its worker died, before it becomes a dead letter."""

NO_DELIVERY_LIMIT = 2**31 - 1
"""Delivery limit of a dead-letter queue. Listing a dead letter counts as a delivery, and RabbitMQ 4 by default
drops a message after 20 of them. RabbitMQ 3.10 has no such default, and does not know -1 for no limit."""


@dataclass(frozen=True, slots=True)
class RetryDelay:
    """One step of a retry schedule: ``attempts`` attempts, with a wait of ``seconds`` before each."""

    seconds: float
    attempts: int


COMMAND_RETRY_SCHEDULE = (RetryDelay(0.5, 240),)
"""Two minutes. By then its sender has long been told that the outcome is unknown."""

EVENT_RETRY_SCHEDULE = (RetryDelay(0.5, 20), RetryDelay(10, 30), RetryDelay(300, 576))
"""Two days. No client repeats an event, and the storage may be unavailable for long."""

ATTEMPT_HEADER = "x-warren-attempt"

REASON_HEADER = "x-warren-reason"
"""Why a message is a dead letter. RabbitMQ's ``x-death`` does not know the handler's error."""

DIED_HEADER = "x-warren-died"
"""When a message became a dead letter, in Unix milliseconds."""

TOPIC_HEADER = "x-warren-topic"
"""An event's original routing key. On its way through a retry queue the message gets another one."""

TRACE_HEADER = "traceparent"
"""W3C's header, with the trace of the command that caused an event."""

SERVICES = ("access", "artifacts", "registry", "traces", "tracking")
"""All services with queues. A deployment may leave some of them out."""

GATEWAY = "gateway"
CLI = "cli"
"""The command ``warren``. It also lists and replays dead letters."""

PARTIES = (GATEWAY, *SERVICES, CLI)

Asks = Mapping[str, Mapping[str, Sequence[str] | None]]
"""The names of the messages that each asker may send to each service. None allows all messages."""

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
    "traces": {"tracking": ("GetExperiment", "GetExperimentTag", "GetRun")},
    "access": {
        "tracking": ("ListTrackedEntityTypes",),
        "registry": ("ListRegisteredEntityTypes",),
    },
}
"""The messages that each party may send. Only these parties' exchanges are bound to the services' queues, and a service
refuses messages that are not listed."""

Subscriptions = Mapping[str, Mapping[str, Sequence[str]]]
"""Topics, as ``<noun>.<verb>``, of all projects: first by the subscribed service, then by the publishing one."""

SUBSCRIPTIONS: Subscriptions = {
    "tracking": {
        "registry": ("registered_model.deleted", "model_version.created", "model_version.deleted"),
    },
    "artifacts": {
        "tracking": ("run.purged", "logged_model.purged", "experiment.purged"),
        "traces": ("trace.deleted",),
    },
    "traces": {"tracking": ("experiment.deleted", "experiment.purged")},
}
"""The services' subscriptions. The handler of an event is listed in its service too (``Handlers.events``)."""

RETIRED: Subscriptions = {}
"""Former subscriptions. RabbitMQ keeps the binding of a topic that has left ``SUBSCRIPTIONS``; a topic listed
here is unbound when the topology is declared. An entry may go after one release."""

LISTENERS: Mapping[str, Sequence[str]] = {GATEWAY: ("access",)}
"""Parties whose every process receives the events of some services, while it is connected."""


def subscribers(topic: str, subscriptions: Subscriptions = SUBSCRIPTIONS) -> Sequence[str]:
    """List the services that subscribe to a topic, ``<noun>.<verb>``."""
    return [
        service
        for service, publishers in subscriptions.items()
        if any(topic in topics for topics in publishers.values())
    ]


QueueKind = Literal["transient-commands", "queries", "commands", "events"]
"""The purpose of a service's queue.

The broker writes ``commands`` and ``events`` to disk, and counts their deliveries. ``commands`` holds what a worker
has received before: redelivered frames, retries and replayed dead letters (ADR 9).
"""

REQUEST_QUEUES: Mapping[Kind, QueueKind] = {
    "commands": "transient-commands",
    "queries": "queries",
}
"""The queues that senders use. The broker need not write them to disk: a sender keeps each frame until it is
answered, and sends it again after a lost connection."""

SERVICE_QUEUES: Sequence[QueueKind] = (*REQUEST_QUEUES.values(), "commands")
"""The queues that every service consumes."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Brings an exchange's messages with one key to a queue."""

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
    """Bindings of earlier releases, to be undone."""
    replaceable: bool = False
    """The queue may be deleted and declared again with another type; its messages are lost then."""

    @property
    def all_arguments(self) -> dict[str, str | int]:
        """Return the arguments with the explicit type."""
        return {"x-queue-type": self.type, **self.arguments}


def exchange_name(party: str, role: str) -> str:
    """Return the name of a party's exchange; roles are ``REQUESTS``, ``REPLIES``, ``REQUEUE`` and ``OUTBOX``."""
    return f"{party}.{role}"


def exchange_type(exchange: str) -> Literal["direct", "topic"]:
    """Return the AMQP type of an exchange."""
    return "topic" if exchange.endswith(f".{OUTBOX}") else "direct"


def queue_name(service: str, kind: QueueKind) -> str:
    """Return the name of one of a service's queues."""
    return f"{service}.{kind}"


def request_queue(service: str, kind: Kind) -> str:
    """Return the name of the queue that a service's senders use."""
    return queue_name(service, REQUEST_QUEUES[kind])


def retry_queue(queue: str, attempt: int) -> str | None:
    """Return the retry queue where a message of ``queue`` waits for an attempt; None after the last attempt.

    Attempts are counted from 1; attempt 1 follows the first failure.
    """
    for delay in _retry_schedule(queue):
        if attempt <= delay.attempts:
            return _retry_queue_name(queue, delay)
        attempt -= delay.attempts
    return None


def _retry_schedule(queue: str) -> Sequence[RetryDelay]:
    return EVENT_RETRY_SCHEDULE if queue.endswith(".events") else COMMAND_RETRY_SCHEDULE


def _retry_queue_name(queue: str, delay: RetryDelay) -> str:
    """Return the name of the queue for one delay. The first delay's queue keeps the name of older releases."""
    return (
        f"{queue}.retry"
        if delay is _retry_schedule(queue)[0]
        else f"{queue}.retry-{delay.seconds:g}s"
    )


def dead_letter_queue(queue: str) -> str:
    """Return the name of the queue that keeps a queue's dead letters."""
    return f"{queue}.dead-letters"


def persistent_queues() -> list[str]:
    """List the queues whose messages may become dead letters."""
    return [queue_name(service, kind) for service in SERVICES for kind in ("commands", "events")]


def binding_key(topic: str) -> str:
    """Return the binding key for a topic of every project."""
    return f"*.{topic}"


@dataclass(frozen=True, slots=True)
class Layout:
    """A topology. Deployments choose the type of the transient queues; tests change the rest."""

    transient_queues: TransientQueues = "classic"
    subscriptions: Subscriptions = field(default_factory=lambda: SUBSCRIPTIONS)
    retired: Subscriptions = field(default_factory=lambda: RETIRED)
    asks: Asks = field(default_factory=lambda: ASKS)
    listeners: Mapping[str, Sequence[str]] = field(default_factory=lambda: LISTENERS)

    def queues(self, services: Sequence[str]) -> list[QueueSpec]:
        """List the queues of some services, and the event queues of all services.

        An event queue must exist before its service starts for the first time: otherwise earlier events are lost.
        """
        return [
            *(spec for service in services for spec in self._queues(service)),
            *(spec for service in self.subscriptions for spec in self._event_queues(service)),
        ]

    def exchanges(self, queues: Sequence[QueueSpec], party: str = "") -> list[str]:
        """List the exchanges that lead to these queues, and the exchanges that a party reads or writes."""
        bound = [each.exchange for spec in queues for each in (*spec.bindings, *spec.retired)]
        asked = [exchange_name(service, REPLIES) for service in self.asks.get(party, ())]
        listened = [exchange_name(service, OUTBOX) for service in self.listeners.get(party, ())]
        own = [exchange_name(party, role) for role in self.roles(party)]
        return sorted({*bound, *asked, *listened, *own})

    def roles(self, party: str) -> list[str]:
        """List the roles of the exchanges that a party writes to."""
        asks = [REQUESTS] if self.asks.get(party) else []
        serves = self.askers(party) or party in self.subscriptions
        return [*asks, *((REPLIES, REQUEUE, OUTBOX) if serves else ())]

    def askers(self, service: str) -> Mapping[str, Sequence[str] | None]:
        """Return the messages that each asker may send to a service."""
        return {asker: asked[service] for asker, asked in self.asks.items() if service in asked}

    def must_be_routed(self, role: str, routing_key: str) -> bool:
        """Return whether a message with this key must reach a queue.

        A reply may reach none, because its reader may have left. An event may, unless a service subscribes
        to its topic.
        """
        if role == OUTBOX:
            _, _, topic = routing_key.partition(".")
            return bool(subscribers(topic, self.subscriptions))
        return role != REPLIES

    def _queues(self, service: str) -> Iterator[QueueSpec]:
        """List the queues of a service's commands and queries."""
        commands = queue_name(service, "commands")
        # A frame whose worker died is moved here, where RabbitMQ counts its deliveries.
        yield from _persistent_queue(
            service, commands, [Binding(exchange_name(service, REQUEUE), commands)]
        )
        # These messages expire when their client stops waiting, so they need no dead letters. A classic
        # queue knows no delivery limit.
        limits: dict[str, str | int] = (
            {"x-delivery-limit": DELIVERY_LIMIT} if self.transient_queues == "quorum" else {}
        )
        for kind in REQUEST_QUEUES:
            name = request_queue(service, kind)
            bindings = [
                Binding(exchange_name(asker, REQUESTS), name) for asker in self.askers(service)
            ]
            yield QueueSpec(name, self.transient_queues, limits, bindings, replaceable=True)

    def _event_queues(self, service: str) -> Iterator[QueueSpec]:
        """List the queues of a service's events."""
        yield from _persistent_queue(
            service,
            queue_name(service, "events"),
            _event_bindings(self.subscriptions[service]),
            _event_bindings(self.retired.get(service, {})),
        )


LAYOUT = Layout()
"""The topology that every party uses by default."""


def _event_bindings(publishers: Mapping[str, Sequence[str]]) -> list[Binding]:
    """List the bindings for topics of each publishing service."""
    return [
        Binding(exchange_name(publisher, OUTBOX), binding_key(topic))
        for publisher, topics in publishers.items()
        for topic in topics
    ]


def _persistent_queue(
    service: str, name: str, bindings: Sequence[Binding], retired: Sequence[Binding] = ()
) -> Iterator[QueueSpec]:
    """List a queue whose messages survive the broker's restart, its retry queues and its dead-letter queue."""
    yield QueueSpec(
        name,
        "quorum",
        {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_LETTERS,
            "x-dead-letter-routing-key": name,
        },
        # The command line sends dead letters back, by the queue's name.
        [*bindings, Binding(exchange_name(CLI, REQUESTS), name)],
        retired,
    )
    requeue = exchange_name(service, REQUEUE)
    for delay in _retry_schedule(name):
        retry = _retry_queue_name(name, delay)
        # A message waits for the queue's TTL, then RabbitMQ moves it back through the default exchange.
        # There is one queue for each delay, because a queue expires messages at its head only.
        yield QueueSpec(
            retry,
            "quorum",
            {
                "x-message-ttl": int(delay.seconds * 1000),
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": name,
            },
            [Binding(requeue, retry)],
        )
    dead = dead_letter_queue(name)
    yield QueueSpec(
        dead,
        "quorum",
        {"x-delivery-limit": NO_DELIVERY_LIMIT},
        [Binding(DEAD_LETTERS, name), Binding(requeue, dead)],
    )
