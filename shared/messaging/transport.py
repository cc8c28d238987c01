"""Protocols of a broker's transport: everything that the bus needs of RabbitMQ, or of memory."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class BrokerUnavailableError(Exception):
    """The broker can't take the message: nothing was published."""


class MessageTooLargeError(Exception):
    """The broker refuses messages of this size: nothing was published, and a repetition can't help."""


class PublishUncertainError(Exception):
    """The connection was lost before the broker confirmed: the message may or may not be there."""


# Not frozen, as ``messages.Envelope``.
@dataclass(slots=True)
class Publication:
    """A message that is sent to an exchange of its sender, or was received from one.

    When it is sent, ``exchange`` is one of the roles in ``topology``. When it was received, ``exchange``
    is the name of the exchange, which identifies the sender. ``expiration`` is in seconds. ``persistent``
    messages survive the broker's restart.
    """

    routing_key: str
    body: bytes
    exchange: str
    message_id: str = ""
    correlation_id: str = ""
    reply_to: str = ""
    persistent: bool = False
    expiration: float | None = None
    headers: dict[str, str | int] = field(default_factory=dict)


class Delivery(Protocol):
    """A received message. It must be acknowledged once."""

    publication: Publication
    redelivered: bool

    @property
    def lost(self) -> bool:
        """Return whether its connection is lost. The broker then delivers the message again."""

    async def ack(self) -> None:
        """Let the broker forget the message."""


OnDelivery = Callable[[Delivery], Coroutine[Any, Any, None]]
OnReply = Callable[[Publication], None]
OnBroadcast = Callable[[Publication], None]


class Subscription(Protocol):
    """A running consumer."""

    async def cancel(self) -> None:
        """Take no further deliveries. Earlier deliveries can still be acknowledged."""


class Transport(Protocol):
    """A connection to a broker. It reconnects by itself."""

    async def start(self) -> None:
        """Connect and declare the topology; waits until the broker is reachable."""

    async def close(self) -> None:
        """Close the connection. Unacknowledged deliveries go back to their queues."""

    @property
    def ready(self) -> bool:
        """Return whether the broker can be reached and takes messages now."""

    async def publish(self, publication: Publication) -> None:
        """Publish. All messages but replies wait for the broker's confirm.

        Raises BrokerUnavailableError (nothing was sent, or no queue takes a message that
        ``Layout.must_be_routed``), MessageTooLargeError or PublishUncertainError (sent, but not confirmed).
        """

    async def consume(self, queue: str, on_delivery: OnDelivery, prefetch: int) -> Subscription:
        """Deliver the queue's messages; at most ``prefetch`` are unacknowledged at a time."""

    async def listen_for_replies(self, on_reply: OnReply, on_reset: Callable[[], None]) -> None:
        """Deliver the replies to this process's reply addresses; must be called before ``start``.

        ``on_reset`` is called at least after each reconnection: replies on the way may have been lost.
        """

    async def listen_for_events(self, topics: Sequence[str], on_event: OnBroadcast) -> None:
        """Deliver the events of these topics, to this connection as to every other one; call it before ``start``.

        Events that are published without a connection are missed. ``on_reset`` reports that.
        """

    def reply_address(self, service: str) -> str:
        """Return the ``reply_to`` of requests to a service."""

    async def consumers(self, queue: str) -> int:
        """Return the number of a queue's consumers. Raises BrokerUnavailableError."""
