"""The gateway's side of the bus: calls in, frames out, answers back."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

import structlog

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Kind
from shared.messaging.events import ReceivedEvent, read_event
from shared.messaging.lane import LIMITS, Call, Lane, Limits, SentFrame, refused, too_large
from shared.messaging.messages import Answer, Envelope, decode_reply
from shared.messaging.topology import REQUESTS
from shared.messaging.transport import (
    BrokerUnavailableError,
    MessageTooLargeError,
    Publication,
    PublishUncertainError,
    Transport,
)
from shared.runtime.log_context import about
from shared.runtime.tasks import end

log = structlog.get_logger()

SWEEP_INTERVAL = 0.25
"""Seconds between two looks at deadlines; a time-out may be late by as much."""

PROBE_INTERVAL = 1.0
"""Seconds between two looks at the number of consumers."""


class BusClient:
    """Sends commands and queries to services and awaits their answers."""

    def __init__(
        self,
        transport: Transport,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._lanes: dict[tuple[str, Kind], Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._topics: Sequence[str] = ()
        self._on_event: Callable[[ReceivedEvent], None] = lambda _event: None
        self._on_missed: Callable[[], None] = lambda: None

    def hear(
        self,
        topics: Sequence[str],
        on_event: Callable[[ReceivedEvent], None],
        on_missed: Callable[[], None],
    ) -> None:
        """Hear of events, as every other process that asks; called before ``start``.

        ``on_missed`` is called at each connection: what was published before is not heard of. And
        for an event that can't be read, or that ``on_event`` raises for.
        """
        self._topics, self._on_event, self._on_missed = topics, on_event, on_missed

    async def start(self) -> None:
        """Connect, and begin to watch deadlines and consumers."""
        await self._transport.listen_for_replies(self._on_reply, self._on_reset)
        if self._topics:
            await self._transport.listen_for_events(self._topics, self._on_broadcast)
        await self._transport.start()
        self._spawn(self._sweep())
        self._spawn(self._probe())

    async def close(self) -> None:
        """Stop; calls without an answer fail as `call` tells."""
        self._closed = True
        for lane in self._lanes.values():
            lane.abandon()
        await end(self._tasks)
        await self._transport.close()

    @property
    def ready(self) -> bool:
        """Tell whether the broker can be reached."""
        return self._transport.ready

    async def has_consumer(self, service: str, kind: Kind) -> bool:
        """Tell whether somebody works on the service's queue, asking the broker if none was seen."""
        lane = self._lane(service, kind)
        if lane.consumers == 0:
            with contextlib.suppress(BrokerUnavailableError):
                lane.consumers = await self._transport.consumers(lane.queue)
        return lane.consumers > 0

    async def call(
        self, service: str, kind: Kind, envelope: Envelope, seconds: float | None = None
    ) -> Answer:
        """Send one message and await its answer, for so many ``seconds``, or until its deadline.

        Raises DomainError: REQUEST_LIMIT_EXCEEDED when nothing was published (buffer full, broker
        gone, no consumer), TEMPORARILY_UNAVAILABLE when the outcome is unknown.
        """
        lane = self._lane(service, kind)
        if not self._transport.ready:
            reason = "The message broker can't be reached."
            raise refused(reason)
        if lane.consumers == 0 and not await self.has_consumer(service, kind):
            reason = f"The {service} service is not running."
            raise refused(reason)
        if lane.full():
            reason = "Too many requests are waiting."
            raise refused(reason)
        loop = asyncio.get_running_loop()
        now = loop.time()
        if seconds is None:
            seconds = envelope.deadline - time.time()
        call = Call(envelope, loop.create_future(), now, now + seconds)
        lane.add(call)
        if not lane.looking and lane.has_slot():
            # At the end of this turn of the event loop: the requests that other connections have
            # brought in the same turn go along, instead of waiting for the frame after this one.
            lane.looking = True
            loop.call_soon(self._look, lane)
        try:
            return await call.answer
        finally:
            lane.answered(call)

    def _lane(self, service: str, kind: Kind) -> Lane:
        lane = self._lanes.get((service, kind))
        if lane is None:
            limits = self._limits or LIMITS[kind]
            lane = self._lanes[service, kind] = Lane(service, kind, limits)
        return lane

    def _look(self, lane: Lane) -> None:
        lane.looking = False
        self._send_due(lane)

    def _wake(self, lane: Lane) -> None:
        lane.timer = None
        self._send_due(lane)

    def _send_due(self, lane: Lane) -> None:
        """Send the frames that may leave now, and see to it that the next one leaves in time."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while (seconds := lane.due_in(now)) is not None:
            if seconds > 0:
                if lane.timer is None:
                    lane.timer = loop.call_later(seconds, self._wake, lane)
                return
            following = lane.next_frame()
            if following is not None:
                self._spawn(self._publish(lane, *following))

    async def _publish(self, lane: Lane, frame_id: UUID, sent: SentFrame) -> None:
        until = max((call.until for call in sent.calls.values()), default=0.0)
        seconds = max(until - asyncio.get_running_loop().time(), 0.001)
        publication = Publication(
            routing_key=lane.queue,
            body=sent.body,
            exchange=REQUESTS,
            message_id=frame_id.hex,
            reply_to=self._transport.reply_address(lane.service),
            correlation_id=f"{lane.service} {lane.kind} {frame_id.hex}",
            persistent=lane.persistent,
            expiration=None if lane.persistent else seconds,
        )
        try:
            await self._transport.publish(publication)
        except BrokerUnavailableError as error:
            with about([call.envelope for call in sent.calls.values()]):
                log.warning("frame_not_published", queue=lane.queue, error=str(error))
            reason = refused("The message broker can't take the request.")
            self._refuse(lane, frame_id, sent, reason)
        except MessageTooLargeError as error:
            self._refuse(lane, frame_id, sent, too_large(str(error)))
        except PublishUncertainError as error:
            # The frame is sent again after the reconnection, or its calls time out.
            with about([call.envelope for call in sent.calls.values()]):
                log.warning("frame_uncertain", queue=lane.queue, error=str(error))

    def _refuse(self, lane: Lane, frame_id: UUID, sent: SentFrame, reason: DomainError) -> None:
        lane.sent.pop(frame_id, None)
        lane.release(sent)
        for call in sent.calls.values():
            call.fail(reason)

    def _on_reply(self, publication: Publication) -> None:
        try:
            service, kind, key = publication.correlation_id.split(" ")
            lane = self._lanes[service, kind]  # type: ignore[index]  # a KeyError, if it is not ours
            frame_id = UUID(hex=key)
        except (ValueError, KeyError):
            log.error("reply_unreadable", exchange=publication.exchange)  # noqa: TRY400
            return
        if publication.routing_key != self._transport.reply_address(service):
            # A service that was asked something answers in the place of another one.
            log.error("reply_forged", service=service, exchange=publication.exchange)
            return
        sent = lane.sent.get(frame_id)
        if sent is None:
            return
        late = 0
        for piece in decode_reply(publication.body):
            body = sent.complete(piece)
            if body is None:
                continue
            call = sent.calls.pop(piece.index, None)
            if call is not None and not call.answer.done():
                late += _settle(call, Answer(body, piece.error))
        if late:
            log.warning("clocks_differ", queue=lane.queue, calls=late)
        # The rest of a frame that has begun to answer is slow, not stuck: its neighbours go ahead.
        lane.release(sent)
        if not sent.calls:
            del lane.sent[frame_id]
        self._send_due(lane)

    def _on_broadcast(self, publication: Publication) -> None:
        try:
            self._on_event(read_event(publication))
        except Exception:
            # Whoever can't take notice of an event has missed it.
            log.exception("event_unreadable", topic=publication.routing_key)
            self._on_missed()

    def _on_reset(self) -> None:
        self._on_missed()
        self._send_again()

    def _send_again(self) -> None:
        """After a reconnection replies may be lost; the inbox answers what was done already."""
        for lane in self._lanes.values():
            lane.consumers = 0
            for frame_id, sent in lane.sent.items():
                lane.measures.left_again()
                self._spawn(self._publish(lane, frame_id, sent))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            now = asyncio.get_running_loop().time()
            for lane in self._lanes.values():
                lane.expire(now)
                self._send_due(lane)

    async def _probe(self) -> None:
        while not self._closed:
            await asyncio.sleep(PROBE_INTERVAL)
            for lane in self._lanes.values():
                with contextlib.suppress(BrokerUnavailableError):
                    lane.consumers = await self._transport.consumers(lane.queue)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _settle(call: Call, answer: Answer) -> bool:
    """Give a call its answer; tell whether the service takes for too late what by our clock is not."""
    if answer.error is not ErrorCode.DEADLINE_EXCEEDED:
        call.answer.set_result(answer)
        return False
    call.fail(refused("The request is too old by the service's clock."))
    return call.until > asyncio.get_running_loop().time()
