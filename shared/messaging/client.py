"""The sender's side of the bus: one batcher for each queue, and the replies to their calls."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

import structlog

from shared.contracts.message import Kind
from shared.messaging.batch_limits import LIMITS, BatchLimits
from shared.messaging.batcher import RequestBatcher, refused
from shared.messaging.events import ReceivedEvent, read_event
from shared.messaging.messages import Answer, Envelope
from shared.messaging.transport import Publication, Transport
from shared.runtime.tasks import cancel_and_wait

log = structlog.get_logger()

SWEEP_INTERVAL = 0.25
"""Seconds between two checks of the deadlines. A timeout may be late by this much."""

PROBE_INTERVAL = 1.0
"""Seconds between two checks of the number of consumers."""


class BusClient:
    """Sends commands and queries to services, and waits for their answers.

    ``clock`` returns Unix seconds.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        limits: BatchLimits | None = None,
        clock: Callable[[], float] = time.time,
        sweep_interval: float = SWEEP_INTERVAL,
        probe_interval: float = PROBE_INTERVAL,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._clock = clock
        self._sweep_interval = sweep_interval
        self._probe_interval = probe_interval
        self._batchers: dict[tuple[str, Kind], RequestBatcher] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._topics: Sequence[str] = ()
        self._on_event: Callable[[ReceivedEvent], None] = lambda _event: None
        self._on_missed: Callable[[], None] = lambda: None

    def subscribe(
        self,
        topics: Sequence[str],
        on_event: Callable[[ReceivedEvent], None],
        on_missed: Callable[[], None],
    ) -> None:
        """Subscribe to events; must be called before ``start``. Each subscribed process gets every event.

        ``on_missed`` is called at each connection, because earlier events are not delivered. It is also
        called for an event that can't be read, or for which ``on_event`` raises.
        """
        self._topics, self._on_event, self._on_missed = topics, on_event, on_missed

    async def start(self) -> None:
        """Connect, and start to watch deadlines and consumers."""
        await self._transport.listen_for_replies(self._on_reply, self._on_reset)
        if self._topics:
            await self._transport.listen_for_events(self._topics, self._on_broadcast)
        await self._transport.start()
        self._spawn(self._sweep())
        self._spawn(self._probe())

    async def close(self) -> None:
        """Close the client. Calls without an answer fail with the errors of ``call``."""
        self._closed = True
        await asyncio.gather(*(batcher.close() for batcher in self._batchers.values()))
        await cancel_and_wait(self._tasks)
        await self._transport.close()

    @property
    def ready(self) -> bool:
        """Return whether the broker can be reached and takes messages."""
        return self._transport.ready

    async def has_consumer(self, service: str, kind: Kind) -> bool:
        """Return whether a worker consumes the service's queue; asks the broker if none is known."""
        batcher = self.batcher(service, kind)
        return (batcher.consumers or await batcher.count_consumers()) > 0

    async def call(
        self, service: str, kind: Kind, envelope: Envelope, seconds: float | None = None
    ) -> Answer:
        """Send one message and wait for its answer, for ``seconds`` or until its deadline.

        Raises DomainError: REQUEST_LIMIT_EXCEEDED when nothing was done (buffer full, broker
        unreachable, no consumer, or too late for the service), INVALID_PARAMETER_VALUE when the message
        is too large for the broker, TEMPORARILY_UNAVAILABLE when the outcome is unknown.
        """
        batcher = self._batchers.get((service, kind)) or self.batcher(service, kind)
        # These refusals come before anything is published, so the client may safely repeat the request.
        if not self._transport.ready:
            reason = "The message broker can't be reached, or takes no messages."
            raise refused(reason)
        if not (batcher.consumers or await batcher.count_consumers()):
            reason = f"The {service} service is not running."
            raise refused(reason)
        if seconds is None:
            seconds = envelope.deadline - self._clock()
        call = batcher.add(envelope, seconds)
        try:
            return await call.answer
        finally:
            # Also when the caller is cancelled. Its future is then done, and the next frame leaves it out.
            batcher.remove(call)

    def batcher(self, service: str, kind: Kind) -> RequestBatcher:
        """Return the sender of a service's queue."""
        batcher = self._batchers.get((service, kind))
        if batcher is None:
            limits = self._limits or LIMITS[kind]
            batcher = RequestBatcher(self._transport, service, kind, limits, self._clock)
            self._batchers[service, kind] = batcher
        return batcher

    def _on_reply(self, publication: Publication) -> None:
        try:
            service, kind, key = publication.correlation_id.split(" ")
            batcher = self._batchers[service, kind]  # type: ignore[index]  # a KeyError, if it is not ours
            frame_id = UUID(hex=key)
        except (ValueError, KeyError):
            log.error("reply_unreadable", exchange=publication.exchange)  # noqa: TRY400
            return
        if publication.routing_key != batcher.reply_address:
            # The address belongs to another service: the sender answers in the name of `service`.
            log.error("reply_forged", service=service, exchange=publication.exchange)
            return
        batcher.on_reply(frame_id, publication.body)

    def _on_broadcast(self, publication: Publication) -> None:
        try:
            self._on_event(read_event(publication))
        except Exception:
            # An event that can't be handled counts as missed.
            log.exception("event_unreadable", topic=publication.routing_key)
            self._on_missed()

    def _on_reset(self) -> None:
        self._on_missed()
        for batcher in self._batchers.values():
            batcher.send_again()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_interval)
            for batcher in self._batchers.values():
                batcher.expire()

    async def _probe(self) -> None:
        # Without a consumer, calls are refused at once. Otherwise they would wait until their deadline for
        # a service that is not running.
        while not self._closed:
            await asyncio.sleep(self._probe_interval)
            for batcher in list(self._batchers.values()):
                await batcher.count_consumers()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        # The event loop itself keeps only a weak reference to a task.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
