"""The sender's side of the bus: puts calls into frames, and matches replies with the calls that wait."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

import structlog

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Kind
from shared.messaging.batcher import (
    LIMITS,
    Call,
    Limits,
    RequestBatcher,
    SentFrame,
    refused,
    too_large,
)
from shared.messaging.events import ReceivedEvent, read_event
from shared.messaging.messages import Answer, Envelope, decode_reply
from shared.messaging.topology import REQUESTS
from shared.messaging.transport import (
    BrokerUnavailableError,
    MessageTooLargeError,
    Publication,
    PublishUncertainError,
    Transport,
)
from shared.runtime.log_context import bound_messages
from shared.runtime.tasks import cancel_and_wait

log = structlog.get_logger()

SWEEP_INTERVAL = 0.25
"""Seconds between two checks of the deadlines. A timeout may be late by this much."""

PROBE_INTERVAL = 1.0
"""Seconds between two checks of the number of consumers."""


class BusClient:
    """Sends commands and queries to services, and waits for their answers."""

    def __init__(
        self,
        transport: Transport,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._transport = transport
        self._limits = limits
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
        for batcher in self._batchers.values():
            batcher.abandon()
        await cancel_and_wait(self._tasks)
        await self._transport.close()

    @property
    def ready(self) -> bool:
        """Return whether the broker can be reached."""
        return self._transport.ready

    async def has_consumer(self, service: str, kind: Kind) -> bool:
        """Return whether a worker consumes the service's queue; asks the broker if none is known."""
        batcher = self._batcher(service, kind)
        if batcher.consumers == 0:
            with contextlib.suppress(BrokerUnavailableError):
                batcher.consumers = await self._transport.consumers(batcher.queue)
        return batcher.consumers > 0

    async def call(
        self, service: str, kind: Kind, envelope: Envelope, seconds: float | None = None
    ) -> Answer:
        """Send one message and wait for its answer, for ``seconds`` or until its deadline.

        Raises DomainError: REQUEST_LIMIT_EXCEEDED when nothing was done (buffer full, broker
        unreachable, no consumer, or too late for the service), INVALID_PARAMETER_VALUE when the message
        is too large for the broker, TEMPORARILY_UNAVAILABLE when the outcome is unknown.
        """
        batcher = self._batcher(service, kind)
        # These refusals come before anything is published, so the client may safely repeat the request.
        if not self._transport.ready:
            reason = "The message broker can't be reached."
            raise refused(reason)
        if batcher.consumers == 0 and not await self.has_consumer(service, kind):
            reason = f"The {service} service is not running."
            raise refused(reason)
        if batcher.full():
            reason = "Too many requests are waiting."
            raise refused(reason)
        loop = asyncio.get_running_loop()
        now = loop.time()
        if seconds is None:
            seconds = envelope.deadline - time.time()
        call = Call(envelope, loop.create_future(), now, now + seconds)
        batcher.add(call)
        if not batcher.looking and batcher.has_slot():
            # Look at the end of this turn of the event loop, not now: requests that other connections
            # bring in the same turn then share this frame, instead of waiting for the next one.
            # Without a free slot, the next reply looks.
            batcher.looking = True
            loop.call_soon(self._look, batcher)
        try:
            return await call.answer
        finally:
            # Also when the caller is cancelled. Its future is then done, and the next frame leaves it out.
            batcher.answered(call)

    def _batcher(self, service: str, kind: Kind) -> RequestBatcher:
        batcher = self._batchers.get((service, kind))
        if batcher is None:
            limits = self._limits or LIMITS[kind]
            batcher = self._batchers[service, kind] = RequestBatcher(service, kind, limits)
        return batcher

    def _look(self, batcher: RequestBatcher) -> None:
        batcher.looking = False
        self._send_due(batcher)

    def _wake(self, batcher: RequestBatcher) -> None:
        batcher.timer = None
        self._send_due(batcher)

    def _send_due(self, batcher: RequestBatcher) -> None:
        """Send the frames that may leave now, and set a timer for the next one."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while (seconds := batcher.due_in(now)) is not None:
            if seconds > 0:
                if batcher.timer is None:
                    batcher.timer = loop.call_later(seconds, self._wake, batcher)
                return
            following = batcher.next_frame()
            if following is not None:
                self._spawn(self._publish(batcher, *following))

    async def _publish(self, batcher: RequestBatcher, frame_id: UUID, sent: SentFrame) -> None:
        # The message expires with the last of its calls. So it does not fill the queue of a service that is
        # down, and is not carried out after its callers were told that the outcome is unknown.
        until = max((call.until for call in sent.calls.values()), default=0.0)
        seconds = max(until - asyncio.get_running_loop().time(), 0.001)
        publication = Publication(
            routing_key=batcher.queue,
            body=sent.body,
            exchange=REQUESTS,
            message_id=frame_id.hex,
            reply_to=self._transport.reply_address(batcher.service),
            correlation_id=f"{batcher.service} {batcher.kind} {frame_id.hex}",
            expiration=seconds,
        )
        try:
            await self._transport.publish(publication)
        except BrokerUnavailableError as error:
            with bound_messages([call.envelope for call in sent.calls.values()]):
                log.warning("frame_not_published", queue=batcher.queue, error=str(error))
            reason = refused("The message broker can't take the request.")
            self._refuse(batcher, frame_id, sent, reason)
        except MessageTooLargeError as error:
            self._refuse(batcher, frame_id, sent, too_large(str(error)))
        except PublishUncertainError as error:
            # The broker may have the frame, so it must not be reported as refused. It stays in
            # `batcher.sent`: it is sent again after the reconnection, or its calls time out.
            with bound_messages([call.envelope for call in sent.calls.values()]):
                log.warning("frame_uncertain", queue=batcher.queue, error=str(error))

    def _refuse(
        self, batcher: RequestBatcher, frame_id: UUID, sent: SentFrame, reason: DomainError
    ) -> None:
        batcher.sent.pop(frame_id, None)
        batcher.release(sent)
        for call in sent.calls.values():
            call.fail(reason)

    def _on_reply(self, publication: Publication) -> None:
        try:
            service, kind, key = publication.correlation_id.split(" ")
            batcher = self._batchers[service, kind]  # type: ignore[index]  # a KeyError, if it is not ours
            frame_id = UUID(hex=key)
        except (ValueError, KeyError):
            log.error("reply_unreadable", exchange=publication.exchange)  # noqa: TRY400
            return
        if publication.routing_key != self._transport.reply_address(service):
            # The address belongs to another service: the sender answers in the name of `service`.
            log.error("reply_forged", service=service, exchange=publication.exchange)
            return
        sent = batcher.sent.get(frame_id)
        if sent is None:
            # All its calls have timed out, or a frame that was sent twice is answered twice.
            return
        late = 0
        for piece in decode_reply(publication.body):
            body = sent.complete(piece)
            if body is None:
                continue
            call = sent.calls.pop(piece.index, None)
            if call is not None and not call.answer.done():
                late += _settle(call, Answer(body, piece.error, *piece.about))
        if late:
            log.warning("clocks_differ", queue=batcher.queue, calls=late)
        # The first reply frees the slot. The frame's other calls may be slow, but its worker is
        # working, so the next frame need not wait for them.
        batcher.release(sent)
        if not sent.calls:
            del batcher.sent[frame_id]
        self._send_due(batcher)

    def _on_broadcast(self, publication: Publication) -> None:
        try:
            self._on_event(read_event(publication))
        except Exception:
            # An event that can't be handled counts as missed.
            log.exception("event_unreadable", topic=publication.routing_key)
            self._on_missed()

    def _on_reset(self) -> None:
        self._on_missed()
        self._send_again()

    def _send_again(self) -> None:
        """Send all frames in flight again.

        Replies on the way were lost with the connection, and so perhaps were the frames. Sending a frame
        again is harmless: its service answers it from the inbox, or its work is idempotent.
        """
        for batcher in self._batchers.values():
            # The workers may have lost their connections too, so the next call asks the broker again.
            batcher.consumers = 0
            for frame_id, sent in batcher.sent.items():
                batcher.measures.left_again()
                self._spawn(self._publish(batcher, frame_id, sent))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            now = asyncio.get_running_loop().time()
            for batcher in self._batchers.values():
                batcher.expire(now)
                # Frames without a call that waits have freed their slots.
                self._send_due(batcher)

    async def _probe(self) -> None:
        # Without a consumer, calls are refused at once. Otherwise they would wait until their deadline for
        # a service that is not running.
        while not self._closed:
            await asyncio.sleep(PROBE_INTERVAL)
            for batcher in self._batchers.values():
                with contextlib.suppress(BrokerUnavailableError):
                    batcher.consumers = await self._transport.consumers(batcher.queue)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        # The event loop itself keeps only a weak reference to a task.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _settle(call: Call, answer: Answer) -> bool:
    """Give a call its answer.

    Return whether the service found the call too late, while by this process's clock it is not.
    """
    if answer.error is not ErrorCode.DEADLINE_EXCEEDED:
        call.answer.set_result(answer)
        return False
    # The service did not carry out the message, so the client may repeat it.
    call.fail(refused("The request has expired by the service's clock."))
    return call.until > asyncio.get_running_loop().time()
