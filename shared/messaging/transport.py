"""What the bus needs of a broker: the seam between our logic and RabbitMQ (or memory)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class BrokerUnavailableError(Exception):
    """The broker can't take the message: nothing was published."""


class MessageTooLargeError(Exception):
    """The broker takes no message of this size: nothing was published, nor ever will be."""


class PublishUncertainError(Exception):
    """The connection was lost before the broker confirmed: the message may or may not be there."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A message on its way to an exchange of its sender's, or that came from one.

    ``exchange`` of what is sent is one of the roles in ``topology``; of what was received it is the name of
    the exchange, which tells who sent it. ``expiration`` is in seconds. ``persistent`` messages survive the
    broker's restart.
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
    """A message that was received and must be acknowledged, once."""

    publication: Publication
    redelivered: bool

    @property
    def lost(self) -> bool:
        """Tell whether the connection that brought it has gone: the broker delivers it again."""

    async def ack(self) -> None:
        """Tell the broker that the message is done with."""


OnDelivery = Callable[[Delivery], Awaitable[None]]
OnReply = Callable[[Publication], None]
OnBroadcast = Callable[[Publication], None]


class Subscription(Protocol):
    """A running consumer."""

    async def cancel(self) -> None:
        """Take no further deliveries; what was delivered may still be acknowledged."""


class Transport(Protocol):
    """A connection to a broker that heals by itself."""

    async def start(self) -> None:
        """Connect and declare the topology; waits until the broker is there."""

    async def close(self) -> None:
        """Leave; unacknowledged deliveries go back to their queues."""

    @property
    def ready(self) -> bool:
        """Tell whether the broker can be reached right now."""

    async def publish(self, publication: Publication) -> None:
        """Publish and return when the broker has confirmed (commands, events) or taken it.

        Raises BrokerUnavailableError (nothing was sent, or no queue takes it), MessageTooLargeError or
        PublishUncertainError (sent, not confirmed).
        """

    async def consume(self, queue: str, on_delivery: OnDelivery, prefetch: int) -> Subscription:
        """Deliver the queue's messages, at most ``prefetch`` unacknowledged at a time."""

    async def listen_for_replies(self, on_reply: OnReply, on_reset: Callable[[], None]) -> None:
        """Deliver replies addressed to a ``reply_address``; called before ``start``.

        ``on_reset`` is called after each reconnection: replies under way may have been lost.
        """

    async def listen_for_events(self, topics: Sequence[str], on_event: OnBroadcast) -> None:
        """Deliver the events of these topics to this connection, as to every other that asks.

        Called before ``start``. Nothing waits for a connection that is away: what is published
        meanwhile is missed, and ``on_reset`` tells of it.
        """

    def reply_address(self, service: str) -> str:
        """Return the ``reply_to`` of what a service is asked."""

    async def consumers(self, queue: str) -> int:
        """Count the consumers of a queue. Raises BrokerUnavailableError."""
