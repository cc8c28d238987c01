"""The in-process transport: the same frames and the same guarantees, without a broker.

It models what the bus relies on: acknowledgement, redelivery when a consumer dies, dead letters,
delayed retry, prefetch and lost replies. It expires no messages: workers refuse late ones.
Nothing survives the process. That suits `deploy/local/standalone`, where the gateway ends with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from shared.messaging import topology
from shared.messaging.transport import (
    BrokerUnavailableError,
    OnBroadcast,
    OnDelivery,
    OnReply,
    Publication,
)

_addresses = count(1)


class MemoryBroker:
    """Queues in memory, shared by the transports that get this broker.

    Only the ``services`` get queues for their subscriptions. Another service could never read its queue,
    and events would pile up there.
    """

    def __init__(
        self,
        services: Sequence[str],
        subscriptions: topology.Subscriptions = topology.SUBSCRIPTIONS,
    ) -> None:
        self.running = True
        own = {name: publishers for name, publishers in subscriptions.items() if name in services}
        specs = topology.Layout(subscriptions=own).queues(services)
        self.queues = {spec.name: MemoryQueue(self, spec) for spec in specs}
        self.transports: dict[str, MemoryTransport] = {}

    def route(self, publication: Publication, *, redelivered: bool = False) -> None:
        """Put a message into the queues of its exchange and key.

        Raises BrokerUnavailableError for a message without a queue. A reply or event without one is dropped.
        """
        if publication.exchange == topology.OUTBOX:
            _, _, topic = publication.routing_key.partition(".")
            for queue in self.queues.values():
                if topic in queue.topics:
                    queue.put(publication, redelivered=redelivered)
            for transport in self.transports.values():
                transport.receive_event(topic, publication)
            return
        name = publication.routing_key
        if name in self.transports:
            self.transports[name].receive_reply(publication)
        elif name in self.queues:
            self.queues[name].put(publication, redelivered=redelivered)
        elif publication.exchange != topology.REPLIES:
            message = f"There is no queue {name}."
            raise BrokerUnavailableError(message)

    def stop(self) -> None:
        """Stop as a broker does: persistent messages stay, transient messages and connections are lost."""
        self.running = False
        for queue in self.queues.values():
            queue.return_unacknowledged()
            queue.lose_transient()

    def restart(self) -> None:
        """Start again, and reset every connection."""
        self.running = True
        for transport in list(self.transports.values()):
            transport.reset()
        for queue in self.queues.values():
            queue.dispatch()


class MemoryQueue:
    """One queue. Its messages wait until a consumer has fewer than ``prefetch`` unacknowledged ones."""

    def __init__(self, broker: MemoryBroker, spec: topology.QueueSpec) -> None:
        self.broker = broker
        self.spec = spec
        self.topics = {binding.key.partition(".")[2] for binding in spec.bindings}
        self.waiting: deque[tuple[Publication, bool]] = deque()
        self.subscriptions: list[MemorySubscription] = []

    def put(self, publication: Publication, *, redelivered: bool) -> None:
        """Add a message. A queue with a TTL, which is a retry queue, passes it on after that time."""
        if "x-message-ttl" in self.spec.arguments:
            back = replace(
                publication,
                exchange=topology.REQUEUE,
                routing_key=str(self.spec.arguments["x-dead-letter-routing-key"]),
            )
            seconds = int(self.spec.arguments["x-message-ttl"]) / 1000
            asyncio.get_running_loop().call_later(seconds, self.broker.route, back)
            return
        self.waiting.append((publication, redelivered))
        self.dispatch()

    def dispatch(self) -> None:
        """Deliver waiting messages, each to the consumer with the fewest unacknowledged ones."""
        while self.waiting and self.broker.running:
            free = [s for s in self.subscriptions if len(s.unacknowledged) < s.prefetch]
            if not free:
                return
            subscription = min(free, key=lambda s: len(s.unacknowledged))
            subscription.deliver(*self.waiting.popleft())

    def return_unacknowledged(self) -> None:
        """Put back the consumers' unacknowledged messages, as after a lost connection."""
        for subscription in self.subscriptions:
            subscription.requeue()

    def lose_transient(self) -> None:
        """Remove transient messages, which a real broker keeps on no disk."""
        self.waiting = deque(each for each in self.waiting if each[0].persistent)


@dataclass(eq=False, slots=True)
class MemoryDelivery:
    """A delivered message; see ``transport.Delivery``."""

    publication: Publication
    redelivered: bool
    subscription: "MemorySubscription"

    @property
    def lost(self) -> bool:
        """Return whether the message is acknowledged or back in its queue."""
        return self not in self.subscription.unacknowledged

    async def ack(self) -> None:
        """Remove the message. Has no effect if it is back in its queue already."""
        self.subscription.acknowledge(self)


class MemorySubscription:
    """A consumer of one queue."""

    def __init__(self, queue: MemoryQueue, on_delivery: OnDelivery, prefetch: int) -> None:
        self.queue = queue
        self.on_delivery = on_delivery
        self.prefetch = prefetch
        self.unacknowledged: dict[MemoryDelivery, asyncio.Task[None]] = {}

    def deliver(self, publication: Publication, redelivered: bool) -> None:  # noqa: FBT001
        """Start the consumer's callback for one message."""
        delivery = MemoryDelivery(publication, redelivered, self)

        async def run() -> None:
            await self.on_delivery(delivery)

        self.unacknowledged[delivery] = asyncio.get_running_loop().create_task(run())

    def acknowledge(self, delivery: MemoryDelivery) -> bool:
        """Free the place of a delivery. Return False if the message is back in its queue already."""
        known = self.unacknowledged.pop(delivery, None) is not None
        if known:
            self.queue.dispatch()
        return known

    def requeue(self) -> None:
        """Put the unacknowledged messages back at the head of the queue, in order."""
        held = list(self.unacknowledged)
        self.unacknowledged.clear()
        self.queue.waiting.extendleft((d.publication, True) for d in reversed(held))

    async def cancel(self) -> None:
        """Take no further deliveries."""
        if self in self.queue.subscriptions:
            self.queue.subscriptions.remove(self)


class MemoryTransport:
    """One party's connection to a MemoryBroker; see ``transport.Transport``."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._on_reply: OnReply | None = None
        self._on_reset: Callable[[], None] | None = None
        self._topics: Sequence[str] = ()
        self._on_event: OnBroadcast | None = None
        self._subscriptions: list[MemorySubscription] = []
        self._address = f"replies-{next(_addresses)}"

    @property
    def ready(self) -> bool:
        """Return whether the broker runs."""
        return self._broker.running

    async def start(self) -> None:
        """Join the broker."""
        self._broker.transports[self._address] = self

    async def close(self) -> None:
        """Leave the broker. Unacknowledged messages are delivered to other consumers."""
        self._broker.transports.pop(self._address, None)
        for subscription in self._subscriptions:
            await subscription.cancel()
            subscription.requeue()
            subscription.queue.dispatch()

    def reply_address(self, _service: str) -> str:
        """Return this connection's address, the same for all services."""
        return self._address

    async def publish(self, publication: Publication) -> None:
        """Route the message at once."""
        if not self._broker.running:
            message = "The broker is down."
            raise BrokerUnavailableError(message)
        self._broker.route(publication)

    async def consume(
        self, queue: str, on_delivery: OnDelivery, prefetch: int
    ) -> MemorySubscription:
        """Consume a queue."""
        subscription = MemorySubscription(self._broker.queues[queue], on_delivery, prefetch)
        self._subscriptions.append(subscription)
        subscription.queue.subscriptions.append(subscription)
        subscription.queue.dispatch()
        return subscription

    async def listen_for_replies(self, on_reply: OnReply, on_reset: Callable[[], None]) -> None:
        """Deliver replies by direct calls."""
        self._on_reply, self._on_reset = on_reply, on_reset

    async def listen_for_events(self, topics: Sequence[str], on_event: OnBroadcast) -> None:
        """Deliver events by direct calls."""
        self._topics, self._on_event = topics, on_event

    async def consumers(self, queue: str) -> int:
        """Count the consumers of a queue."""
        if not self._broker.running:
            message = "The broker is down."
            raise BrokerUnavailableError(message)
        return len(self._broker.queues[queue].subscriptions)

    def receive_reply(self, publication: Publication) -> None:
        """Hand over a reply."""
        if self._on_reply:
            self._on_reply(publication)

    def receive_event(self, topic: str, publication: Publication) -> None:
        """Hand over an event, if its topic is subscribed."""
        if self._on_event and topic in self._topics:
            self._on_event(publication)

    def reset(self) -> None:
        """Report the reconnection."""
        if self._on_reset:
            self._on_reset()
