"""The RabbitMQ transport.

The connection is looked after here rather than by aio-pika's robust connection: after a loss we
must know the moment of the reconnection, because replies under way are gone then and the client
sends its pending frames again (the inbox makes that harmless).

Messages pass through the channels of aiormq, which aio-pika's are made of: each frame of the bus is a
message or two, and aio-pika's objects about them took a tenth of the time of a request that is alone.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import cast

import structlog
from aio_pika import DeliveryMode
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractQueue
from aiormq import spec
from aiormq.abc import ConsumerCallback, DeliveredMessage
from aiormq.channel import Channel as MessageChannel
from aiormq.exceptions import DeliveryError

from shared.messaging import topology
from shared.messaging.connection import LOST, connect
from shared.messaging.declarations import ensure
from shared.messaging.packing import LARGEST_MESSAGE, is_large, pack
from shared.messaging.permissions import private_queue
from shared.messaging.transport import (
    BrokerUnavailableError,
    MessageTooLargeError,
    OnBroadcast,
    OnDelivery,
    OnReply,
    Publication,
    PublishUncertainError,
)
from shared.runtime.metrics import BROKER_CONNECTED
from shared.runtime.tasks import cancel_and_wait

log = structlog.get_logger()

RECONNECT_DELAY = 0.5
CONNECT_SECONDS = 10.0
SETUP_SECONDS = 30.0
"""For the channels, queues and consumers of a new connection; a node that does not answer is left again."""


class AmqpDelivery:
    """A message of RabbitMQ's; see ``transport.Delivery``."""

    __slots__ = ("_message", "publication", "redelivered")

    def __init__(self, message: DeliveredMessage) -> None:
        self._message = message
        self.redelivered = bool(message.redelivered)
        self.publication = _received(message)

    @property
    def lost(self) -> bool:
        """Tell whether the channel that brought it is closed."""
        return self._message.channel.is_closed

    async def ack(self) -> None:
        """Acknowledge; after a connection loss the broker delivers again anyway."""
        with contextlib.suppress(*LOST):
            await self._message.channel.basic_ack(self._message.delivery_tag or 0)


class AmqpSubscription:
    """A consumer that is set up again after each reconnection."""

    def __init__(self, queue: str, on_delivery: OnDelivery, prefetch: int) -> None:
        self._queue = queue
        self._on_delivery = on_delivery
        self._prefetch = prefetch
        self._cancelled = False
        self._consumer: tuple[MessageChannel, str] | None = None

    async def open(self, connection: AbstractConnection) -> None:
        """Consume on a channel of its own, so that prefetch counts this queue alone."""
        if self._cancelled:
            return
        outer = await connection.channel(publisher_confirms=False)
        await outer.set_qos(prefetch_count=self._prefetch)
        channel = await _of_messages(outer)
        # A queue that is deleted, or whose only node is lost, tells its consumers so, once.
        channel.on_consumer_cancel_callbacks.add(lambda *_: _close_soon(connection))
        self._consumer = (channel, await _consume(channel, self._queue, self._receive))

    async def _receive(self, message: DeliveredMessage) -> None:
        await self._on_delivery(AmqpDelivery(message))

    async def cancel(self) -> None:
        """Take no further deliveries; the channel stays open for acknowledgements."""
        self._cancelled = True
        if self._consumer:
            channel, tag = self._consumer
            with contextlib.suppress(*LOST):
                await channel.basic_cancel(tag)


class AmqpTransport:
    """A healing connection to RabbitMQ; see ``transport.Transport``.

    ``party`` is whose process this is: what it publishes goes to its own exchanges, by the roles that
    publications name. ``services`` are those whose queues it declares where nobody provisions: both
    ends declare the same topology, so that neither must be started first.
    ``url`` may name several nodes of a cluster.
    """

    def __init__(
        self,
        url: str,
        *,
        party: str,
        services: Sequence[str],
        layout: topology.Layout = topology.LAYOUT,
    ) -> None:
        self._url = url
        self._party = party
        self._services = services
        self._layout = layout
        self._exchanges = {
            role: topology.exchange_name(party, role) for role in layout.roles(party)
        }
        # A service that knows where it answers to could answer for another if all had the same address.
        self._addresses = {service: secrets.token_hex(16) for service in layout.asks.get(party, ())}
        self._connected = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False
        self._requests: MessageChannel | None = None
        self._replies: MessageChannel | None = None
        self._connection: AbstractConnection | None = None
        self._subscriptions: list[AmqpSubscription] = []
        self._on_reply: OnReply | None = None
        self._on_reset: Callable[[], None] | None = None
        self._topics: Sequence[str] = ()
        self._on_event: OnBroadcast | None = None

    def reply_address(self, service: str) -> str:
        """Return where a service's answers reach this process, which only that service is told."""
        return self._addresses[service]

    @property
    def ready(self) -> bool:
        """Tell whether the connection stands and its channels are open."""
        return self._connected.is_set()

    async def start(self) -> None:
        """Connect; waits as long as the broker takes to appear."""
        self._keeper = asyncio.create_task(self._keep_connected(), name="amqp-keeper")
        waiter = asyncio.create_task(self._connected.wait())
        await asyncio.wait({self._keeper, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if self._keeper.done():
            waiter.cancel()
            self._keeper.result()

    async def close(self) -> None:
        """Close the connection and stop healing it."""
        self._closed = True
        self._connected.clear()
        if self._keeper:
            await cancel_and_wait([self._keeper])

    async def publish(self, publication: Publication) -> None:
        """Publish; requests and events wait for the confirm, replies don't.

        Large frames are deflated in a thread, since others wait for the loop.
        """
        body = publication.body
        if is_large(body):
            body = await asyncio.to_thread(pack, body)
            if len(body) > LARGEST_MESSAGE:
                message = f"{len(body)} bytes, after deflating, of at most {LARGEST_MESSAGE}"
                raise MessageTooLargeError(message)
        confirmed = publication.persistent or bool(publication.reply_to)
        channel = self._requests if confirmed else self._replies
        if not self._connected.is_set() or channel is None:
            message = "The connection to RabbitMQ is down."
            raise BrokerUnavailableError(message)
        try:
            await channel.basic_publish(
                body,
                exchange=self._exchanges[publication.exchange],
                routing_key=publication.routing_key,
                properties=_properties(publication),
                mandatory=bool(publication.reply_to),
                # What is confirmed was sent; where nobody confirms, a slow connection slows us.
                wait=not confirmed,
            )
        except DeliveryError as error:
            message = f"RabbitMQ has no queue for {publication.routing_key}, or it refused."
            raise BrokerUnavailableError(message) from error
        except LOST as error:
            message = "The connection to RabbitMQ was lost before the confirm."
            raise PublishUncertainError(message) from error

    async def consume(self, queue: str, on_delivery: OnDelivery, prefetch: int) -> AmqpSubscription:
        """Consume a queue, again after each reconnection."""
        subscription = AmqpSubscription(queue, on_delivery, prefetch)
        self._subscriptions.append(subscription)
        if self._connection is not None and self.ready:
            await subscription.open(self._connection)
        return subscription

    async def listen_for_replies(self, on_reply: OnReply, on_reset: Callable[[], None]) -> None:
        """Deliver replies from a queue of this connection's own, made anew with each."""
        self._on_reply, self._on_reset = on_reply, on_reset

    async def listen_for_events(self, topics: Sequence[str], on_event: OnBroadcast) -> None:
        """Deliver events from a queue of this connection's own, made anew with each."""
        self._topics, self._on_event = topics, on_event

    async def consumers(self, queue: str) -> int:
        """Ask the broker for the number of consumers of a queue."""
        if self._connection is None or not self.ready:
            message = "The connection to RabbitMQ is down."
            raise BrokerUnavailableError(message)
        try:
            async with self._connection.channel(publisher_confirms=False) as channel:
                declared = await channel.declare_queue(queue, passive=True)
        except LOST as error:
            message = f"RabbitMQ could not be asked about {queue}."
            raise BrokerUnavailableError(message) from error
        return declared.declaration_result.consumer_count or 0

    async def _keep_connected(self) -> None:
        while not self._closed:
            try:
                await self._stay_until_lost()
            except LOST as error:
                log.warning("broker_unreachable", error=repr(error))
            except Exception:
                if self._connection is None:
                    raise  # Of the first connection `start` tells.
                # Whatever it was: a process that no longer tries is lost until somebody restarts it.
                log.exception("broker_unreachable")
            finally:
                self._connected.clear()
                BROKER_CONNECTED.labels(self._party).set(0)
            await asyncio.sleep(RECONNECT_DELAY)

    async def _stay_until_lost(self) -> None:
        connection = await connect(self._url, name=self._party, seconds=CONNECT_SECONDS)
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        try:
            async with asyncio.timeout(SETUP_SECONDS):
                await self._open(connection)
            log.info("broker_connected", connection=self._party)
            await lost.wait()
            log.warning("broker_lost", connection=self._party)
        finally:
            self._connected.clear()
            with contextlib.suppress(*LOST):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await connection.close()

    async def _open(self, connection: AbstractConnection) -> None:
        requests = await connection.channel(publisher_confirms=True, on_return_raises=True)
        replies = await connection.channel(publisher_confirms=False)
        await ensure(connection, self._party, self._services, self._layout)
        # A channel that dies alone (a refused declaration, say) takes the connection with it:
        # one way to heal is easier to trust than two.
        for channel in (requests, replies):
            channel.close_callbacks.add(lambda *_: _close_soon(connection))
        self._connection = connection
        self._requests = await _of_messages(requests)
        self._replies = await _of_messages(replies)
        if self._on_reply:
            await self._open_replies(replies)
        if self._on_event:
            await self._open_events(replies, self._on_event)
        # What is delivered from here on may be answered at once. A subscription that is added meanwhile
        # is opened by who adds it.
        subscriptions = list(self._subscriptions)
        self._connected.set()
        BROKER_CONNECTED.labels(self._party).set(1)
        if self._on_reset:
            self._on_reset()
        for subscription in subscriptions:
            await subscription.open(connection)

    async def _open_replies(self, channel: AbstractChannel) -> None:
        """Bind a queue that goes with the connection to the replies of each service that may be asked.

        RabbitMQ's direct reply-to would do without a queue, but takes answers from the default exchange
        alone, and whoever may write to that may write to every queue.
        """
        on_reply = self._on_reply

        async def receive(message: DeliveredMessage) -> None:
            if on_reply:
                on_reply(_received(message))

        queue = await self._private_queue(channel)
        for service, address in self._addresses.items():
            await queue.bind(topology.exchange_name(service, topology.REPLIES), address)
        await _consume(await _of_messages(channel), queue.name, receive, no_ack=True)

    async def _open_events(self, channel: AbstractChannel, on_event: OnBroadcast) -> None:
        """Bind a queue that goes with the connection; all is in place before ``on_reset``."""

        async def receive(message: DeliveredMessage) -> None:
            on_event(_received(message))

        queue = await self._private_queue(channel)
        for teller in self._layout.listeners[self._party]:
            for topic in self._topics:
                outbox = topology.exchange_name(teller, topology.OUTBOX)
                await queue.bind(outbox, topology.binding_key(topic))
        await _consume(await _of_messages(channel), queue.name, receive, no_ack=True)

    async def _private_queue(self, channel: AbstractChannel) -> AbstractQueue:
        name = private_queue(self._party, secrets.token_hex(16))
        return await channel.declare_queue(name, exclusive=True, auto_delete=True)


async def _of_messages(channel: AbstractChannel) -> MessageChannel:
    return cast("MessageChannel", await channel.get_underlay_channel())


async def _consume(
    channel: MessageChannel, queue: str, receive: ConsumerCallback, *, no_ack: bool = False
) -> str:
    """Consume and return the consumer's tag."""
    began = await channel.basic_consume(queue, receive, no_ack=no_ack)
    return began.consumer_tag or ""


def _close_soon(connection: AbstractConnection) -> None:
    if not connection.is_closed:
        asyncio.get_running_loop().create_task(connection.close())


def _properties(publication: Publication) -> spec.Basic.Properties:
    mode = DeliveryMode.PERSISTENT if publication.persistent else DeliveryMode.NOT_PERSISTENT
    seconds = publication.expiration
    return spec.Basic.Properties(
        delivery_mode=mode,
        message_id=publication.message_id,
        correlation_id=publication.correlation_id,
        reply_to=publication.reply_to,
        expiration=None if seconds is None else str(int(seconds * 1000)),
        headers=dict(publication.headers) or None,
    )


def _received(message: DeliveredMessage) -> Publication:
    properties = message.header.properties
    headers = properties.headers or {}
    return Publication(
        routing_key=message.routing_key or "",
        body=message.body,
        exchange=message.exchange or "",
        message_id=properties.message_id or "",
        correlation_id=properties.correlation_id or "",
        reply_to=properties.reply_to or "",
        headers={k: v for k, v in headers.items() if isinstance(v, str | int)},
    )
