"""Consumers of RabbitMQ's queues, and the messages that they deliver."""

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial

from aio_pika.abc import AbstractConnection

from shared.messaging.connection import CONNECTION_ERRORS
from shared.messaging.direct_channel import DirectChannel, Message
from shared.messaging.direct_connection import DirectConnection
from shared.messaging.transport import OnDelivery, Publication

ANSWER_SECONDS = 5.0
"""Limit for the broker's answer to a question or to the end of a consumer. Under an alarm it answers nothing."""


@dataclass(slots=True, eq=False)
class AmqpDelivery:
    """A message that RabbitMQ delivered; see ``transport.Delivery``."""

    publication: Publication
    redelivered: bool
    channel: DirectChannel
    tag: int

    @property
    def lost(self) -> bool:
        """Return whether its channel is closed."""
        return self.channel.is_closed

    async def ack(self) -> None:
        """Acknowledge the message."""
        # After a lost connection the broker delivers the message again anyway, and the inbox answers
        # it. So a failed acknowledgement needs no handling.
        with contextlib.suppress(*CONNECTION_ERRORS):
            self.channel.acknowledge(self.tag)


class AmqpSubscription:
    """A consumer of one queue. The transport opens it again after each reconnection."""

    def __init__(self, queue: str, on_delivery: OnDelivery, prefetch: int) -> None:
        self._queue = queue
        self._on_delivery = on_delivery
        self._prefetch = prefetch
        self._cancelled = False
        self._consumer: tuple[DirectChannel, str] | None = None
        self._deliveries: set[asyncio.Task[None]] = set()

    async def open(self, connection: DirectConnection) -> None:
        """Consume on a separate channel, so that prefetch counts this queue alone."""
        if self._cancelled:
            return
        channel = await connection.direct_channel()
        # The broker cancels a consumer once, when its queue is deleted or the queue's only node is lost.
        # Without a new connection this queue would have no consumer.
        channel.on_close = partial(close_soon, connection)
        receive = partial(self._receive, channel)
        tag = await channel.consume(self._queue, receive, prefetch=self._prefetch)
        self._consumer = (channel, tag)

    def _receive(self, channel: DirectChannel, message: Message) -> None:
        delivered = message.delivery
        delivery = AmqpDelivery(
            publication_of(message),
            bool(delivered.redelivered),
            channel,
            delivered.delivery_tag or 0,
        )
        task = asyncio.get_running_loop().create_task(self._on_delivery(delivery))
        # The event loop itself keeps only a weak reference to a task.
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def cancel(self) -> None:
        """Take no further deliveries; the channel stays open for acknowledgements."""
        self._cancelled = True
        if self._consumer:
            channel, tag = self._consumer
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await channel.cancel(tag)


def close_soon(connection: AbstractConnection) -> None:
    """Close a connection in a task of its own, unless it is closed."""
    if not connection.is_closed:
        asyncio.get_running_loop().create_task(connection.close())


def publication_of(message: Message) -> Publication:
    """Return what a message of the broker says."""
    delivery, properties, body = message
    headers = properties.headers or {}
    return Publication(
        routing_key=delivery.routing_key or "",
        body=body,
        exchange=delivery.exchange or "",
        message_id=properties.message_id or "",
        correlation_id=properties.correlation_id or "",
        reply_to=properties.reply_to or "",
        headers={k: v for k, v in headers.items() if isinstance(v, str | int)},
    )
