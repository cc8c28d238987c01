"""The RabbitMQ transport.

This module reconnects by itself and does not use aio-pika's robust connection. It must know the moment
of a reconnection: replies on the way are lost then, so the client sends its pending frames again. The
inbox makes that harmless.

Messages pass through channels of our own (``direct_channel``); queues are declared through aio-pika's.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from aio_pika import DeliveryMode
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractQueue
from aiormq.exceptions import DeliveryError
from pamqp.commands import Basic

from shared.messaging import topology
from shared.messaging.amqp_subscription import (
    ANSWER_SECONDS,
    AmqpSubscription,
    close_soon,
    publication_of,
)
from shared.messaging.connection import CONNECTION_ERRORS, connect
from shared.messaging.declarations import ensure
from shared.messaging.direct_channel import DirectChannel
from shared.messaging.direct_connection import DirectConnection
from shared.messaging.packing import LARGEST_MESSAGE, PACKED_FROM, pack
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
from shared.runtime.metrics import BROKER_BLOCKED, BROKER_CONNECTED
from shared.runtime.tasks import cancel_and_wait

log = structlog.get_logger()

RECONNECT_DELAY = 0.5
CONNECT_SECONDS = 10.0
SETUP_SECONDS = 30.0
"""Limit for opening the channels, queues and consumers of a new connection. Beyond it the connection is closed."""

UNSENT_REPLY_BYTES = 65_536
"""Bytes of a reply that may wait for the socket while its sender goes on."""


class AmqpTransport:
    """A connection to RabbitMQ that reconnects by itself; see ``transport.Transport``.

    ``party`` names the account's party. Its publications go to its own exchanges, by the role that each
    publication names. ``services`` are the services whose queues are declared here if provisioning has
    not run. Both ends declare the same topology, so either can start first.
    ``url`` may name several nodes of a cluster.
    """

    def __init__(
        self,
        url: str,
        *,
        party: str,
        services: Sequence[str],
        layout: topology.Layout = topology.LAYOUT,
        setup_seconds: float = SETUP_SECONDS,
    ) -> None:
        self._url = url
        self._party = party
        self._services = services
        self._layout = layout
        self._setup_seconds = setup_seconds
        self._exchanges = {
            role: topology.exchange_name(party, role) for role in layout.roles(party)
        }
        # One secret address per service: with a shared address, each service could send forged
        # answers in the name of the others.
        self._addresses = {service: secrets.token_hex(16) for service in layout.asks.get(party, ())}
        self._is_open = False
        self._was_open = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False
        self._requests: DirectChannel | None = None
        self._replies: DirectChannel | None = None
        self._connection: DirectConnection | None = None
        self._counting: dict[str, asyncio.Task[int]] = {}
        self._subscriptions: list[AmqpSubscription] = []
        self._on_reply: OnReply | None = None
        self._on_reset: Callable[[], None] | None = None
        self._topics: Sequence[str] = ()
        self._on_event: OnBroadcast | None = None

    @property
    def ready(self) -> bool:
        """Return whether the connection and its channels are open, and the broker has no alarm."""
        return self._is_open and self._connection is not None and not self._connection.is_blocked

    def reply_address(self, service: str) -> str:
        """Return the address for a service's answers. No other service learns it."""
        return self._addresses[service]

    async def start(self) -> None:
        """Connect; waits until the broker is reachable. Raises the first connection's unexpected errors."""
        self._keeper = asyncio.create_task(self._keep_connected(), name="amqp-keeper")
        waiter = asyncio.create_task(self._was_open.wait())
        await asyncio.wait({self._keeper, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if self._keeper.done():
            waiter.cancel()
            self._keeper.result()

    async def close(self) -> None:
        """Close the connection and stop reconnecting."""
        self._closed = True
        self._is_open = False
        if self._keeper:
            await cancel_and_wait([self._keeper])

    async def publish(self, publication: Publication) -> None:
        """Publish; all messages but replies wait for the broker's confirm."""
        body = publication.body
        if len(body) >= PACKED_FROM:
            # Deflating takes tenths of a second. In a thread it does not block the event loop.
            body = await asyncio.to_thread(pack, body)
            if len(body) > LARGEST_MESSAGE:
                message = f"{len(body)} bytes, after deflating, of at most {LARGEST_MESSAGE}"
                raise MessageTooLargeError(message)
        # A lost reply is harmless: the client sends its frame again, and the inbox answers. So replies
        # do not pay for a confirm.
        confirmed = publication.exchange != topology.REPLIES
        channel = self._requests if confirmed else self._replies
        if not self._is_open or channel is None:
            message = "The connection to RabbitMQ is down."
            raise BrokerUnavailableError(message)
        # Replies may wait for the end of an alarm: prefetch bounds them. What needs a confirm would pile up.
        if confirmed and not self.ready:
            message = "RabbitMQ has an alarm for its memory or disk, and takes no messages."
            raise BrokerUnavailableError(message)
        try:
            await channel.publish(
                body,
                self._exchanges[publication.exchange],
                publication.routing_key,
                _properties(publication),
                # A message that reaches no queue comes back as an error.
                # Only for an event it depends on the key.
                mandatory=confirmed
                and (
                    publication.exchange != topology.OUTBOX
                    or self._layout.must_be_routed(topology.OUTBOX, publication.routing_key)
                ),
            )
            # A confirm proves that the bytes were sent. Without one, wait until the socket has taken the
            # bytes of a large reply, so that a slow connection slows its sender down. Small replies are
            # bounded by prefetch: the acknowledgement is sent after them.
            if not confirmed and len(body) > UNSENT_REPLY_BYTES:
                await channel.drain()
        except DeliveryError as error:
            message = (
                f"RabbitMQ has no queue for {publication.routing_key}, or refused the message."
            )
            raise BrokerUnavailableError(message) from error
        except CONNECTION_ERRORS as error:
            message = "The connection to RabbitMQ was lost before the confirm."
            raise PublishUncertainError(message) from error

    async def consume(self, queue: str, on_delivery: OnDelivery, prefetch: int) -> AmqpSubscription:
        """Consume a queue, now and after each reconnection."""
        subscription = AmqpSubscription(queue, on_delivery, prefetch)
        self._subscriptions.append(subscription)
        if self._connection is not None and self._is_open:
            await subscription.open(self._connection)
        return subscription

    async def listen_for_replies(self, on_reply: OnReply, on_reset: Callable[[], None]) -> None:
        """Deliver replies from a private queue. Each connection declares a new one."""
        self._on_reply, self._on_reset = on_reply, on_reset

    async def listen_for_events(self, topics: Sequence[str], on_event: OnBroadcast) -> None:
        """Deliver events from a private queue. Each connection declares a new one."""
        self._topics, self._on_event = topics, on_event

    async def consumers(self, queue: str) -> int:
        """Return the number of a queue's consumers. Raises BrokerUnavailableError."""
        if self._connection is None or not self.ready:
            message = "RabbitMQ can't be reached, or has an alarm."
            raise BrokerUnavailableError(message)
        counting = self._counting.get(queue)
        if counting is None:
            # All who ask meanwhile share the answer. The question goes on after their time: aio-pika waits for the
            # broker also when it is cancelled.
            counting = asyncio.create_task(_count_consumers(self._connection, queue))
            self._counting[queue] = counting
            counting.add_done_callback(partial(self._on_counted, queue))
        try:
            return await asyncio.wait_for(asyncio.shield(counting), ANSWER_SECONDS)
        except CONNECTION_ERRORS as error:
            message = f"RabbitMQ could not be asked about {queue}."
            raise BrokerUnavailableError(message) from error

    def _on_counted(self, queue: str, counting: asyncio.Task[int]) -> None:
        del self._counting[queue]
        if not counting.cancelled():
            # Perhaps all who asked have gone. An error that is never looked at would be logged.
            counting.exception()

    async def _keep_connected(self) -> None:
        while not self._closed:
            try:
                await self._connect_until_lost()
            except CONNECTION_ERRORS as error:
                log.warning("broker_unreachable", error=repr(error))
            except Exception:
                if self._connection is None:
                    raise  # Before the first connection, `start` raises this error to its caller.
                # Later every error leads to another try: a process that stops trying stays
                # disconnected until an operator restarts it.
                log.exception("broker_unreachable")
            finally:
                self._is_open = False
                BROKER_CONNECTED.labels(self._party).set(0)
                BROKER_BLOCKED.labels(self._party).set(0)
            await asyncio.sleep(RECONNECT_DELAY)

    async def _connect_until_lost(self) -> None:
        connection = await connect(self._url, name=self._party, seconds=CONNECT_SECONDS)
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        connection.watch_alarms(self._on_alarm)
        try:
            async with asyncio.timeout(self._setup_seconds):
                await self._open(connection)
            log.info("broker_connected", connection=self._party)
            await lost.wait()
            log.warning("broker_lost", connection=self._party)
        finally:
            self._is_open = False
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await connection.close()

    def _on_alarm(self, is_blocked: bool) -> None:  # noqa: FBT001  # The callback's only argument.
        BROKER_BLOCKED.labels(self._party).set(int(is_blocked))
        log.warning("broker_blocked" if is_blocked else "broker_unblocked", connection=self._party)

    async def _open(self, connection: DirectConnection) -> None:
        await ensure(connection, self._party, self._services, self._layout)
        requests = await connection.direct_channel(confirms=True)
        replies = await connection.direct_channel()
        # A channel may close alone, for example after a publication to a missing exchange. Then the whole
        # connection is closed: one way to recover is easier to trust than two.
        for channel in (requests, replies):
            channel.on_close = partial(close_soon, connection)
        self._connection, self._requests, self._replies = connection, requests, replies
        async with connection.channel(publisher_confirms=False) as declaring:
            if self._on_reply:
                await self._open_replies(declaring, replies, self._on_reply)
            if self._on_event:
                await self._open_events(declaring, replies, self._on_event)
        # The order matters. The copy of the list comes first: from `_is_open` on, `consume` opens new
        # subscriptions itself, and none must be opened twice. It comes before the subscriptions open:
        # a delivery is answered by `publish`, which needs a connection that is open.
        subscriptions = list(self._subscriptions)
        self._is_open = True
        self._was_open.set()
        BROKER_CONNECTED.labels(self._party).set(1)
        # The private queues exist by now, so the frames that `on_reset` sends again can be answered.
        if self._on_reset:
            self._on_reset()
        for subscription in subscriptions:
            await subscription.open(connection)

    async def _open_replies(
        self, channel: AbstractChannel, replies: DirectChannel, on_reply: OnReply
    ) -> None:
        """Bind a private queue to the replies of each service that this party may ask.

        RabbitMQ's direct reply-to needs no queue, but its answers pass through the default exchange
        only. An account that may write to the default exchange may write to every queue.
        """
        queue = await self._private_queue(channel)
        for service, address in self._addresses.items():
            await queue.bind(topology.exchange_name(service, topology.REPLIES), address)
        # Without acknowledgements: the queue ends with its connection, so nothing could be redelivered.
        await replies.consume(
            queue.name, lambda message: on_reply(publication_of(message)), no_ack=True
        )

    async def _open_events(
        self, channel: AbstractChannel, replies: DirectChannel, on_event: OnBroadcast
    ) -> None:
        """Bind a private queue to the topics. It is bound before ``on_reset``, so no later event is missed."""
        queue = await self._private_queue(channel)
        for publisher in self._layout.listeners[self._party]:
            for topic in self._topics:
                outbox = topology.exchange_name(publisher, topology.OUTBOX)
                await queue.bind(outbox, topology.binding_key(topic))
        await replies.consume(
            queue.name, lambda message: on_event(publication_of(message)), no_ack=True
        )

    async def _private_queue(self, channel: AbstractChannel) -> AbstractQueue:
        name = private_queue(self._party, secrets.token_hex(16))
        return await channel.declare_queue(name, exclusive=True, auto_delete=True)


async def _count_consumers(connection: AbstractConnection, queue: str) -> int:
    # A separate channel, because RabbitMQ closes it if the queue does not exist.
    async with connection.channel(publisher_confirms=False) as channel:
        declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.consumer_count or 0


def _properties(publication: Publication) -> Basic.Properties:
    mode = DeliveryMode.PERSISTENT if publication.persistent else DeliveryMode.NOT_PERSISTENT
    seconds = publication.expiration
    return Basic.Properties(
        delivery_mode=mode,
        message_id=publication.message_id or None,
        correlation_id=publication.correlation_id or None,
        reply_to=publication.reply_to or None,
        expiration=None if seconds is None else str(int(seconds * 1000)),
        headers=dict(publication.headers) or None,
    )
