"""The gateway's side of the bus: calls in, frames out, answers back.

Natural batching: each queue has a lane that lets a few frames be in flight; what arrives meanwhile
leaves together in the next one. There is no timer: an idle gateway sends at once, a busy one
batches by itself.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from shared.bus.measures import LaneMeasures
from shared.bus.messages import (
    Answer,
    Envelope,
    Frame,
    Kind,
    Piece,
    decode_reply,
    encode_frame,
    new_id,
)
from shared.bus.topology import queue_name
from shared.bus.transport import (
    BrokerUnavailableError,
    Publication,
    PublishUncertainError,
    Transport,
)
from shared.errors import DomainError, ErrorCode
from shared.log_context import about

log = structlog.get_logger()

SWEEP_INTERVAL = 0.25
"""Seconds between two looks at deadlines; a time-out may be late by as much."""

PROBE_INTERVAL = 1.0
"""Seconds between two looks at the number of consumers."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes of a lane. ``waiting`` bounds the calls without an answer, sent or not."""

    frames_in_flight: int = 3
    frame_envelopes: int = 500
    frame_bytes: int = 4_000_000
    waiting: int = 5_000
    waiting_bytes: int = 64_000_000


QUERY_LIMITS = Limits(frames_in_flight=8, frame_envelopes=50)
"""Queries gain little from sharing a frame, so more of them are in flight."""


def refused(reason: str) -> DomainError:
    """Return the error for a call of which nothing was published: 429, safe to repeat."""
    return DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, f"{reason} Nothing was done; try again.")


def unknown_outcome() -> DomainError:
    """Return the error for a call that was published and not answered in time: 503."""
    message = (
        "The service did not answer in time. The request may or may not have been carried out."
    )
    return DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message)


@dataclass(slots=True, eq=False)
class _Call:
    envelope: Envelope
    answer: asyncio.Future[Answer]


@dataclass(slots=True, eq=False)
class SentFrame:
    """A frame that was published, with the calls that it carries, by index, and their answers so far."""

    body: bytes
    calls: dict[int, _Call]
    holds_slot: bool = True
    partial: dict[int, bytes] = field(default_factory=dict)

    def complete(self, piece: Piece) -> bytes | None:
        """Return the body that a piece completes; None as long as more is to come.

        A worker that died in the middle of an answer is followed by another, which begins anew.
        """
        so_far = self.partial.pop(piece.index, b"") if piece.start else b""
        if len(so_far) != piece.start:
            return None
        if piece.last:
            return so_far + piece.body if so_far else piece.body
        self.partial[piece.index] = so_far + piece.body
        return None


@dataclass(slots=True, eq=False)
class _Lane:
    """One queue: calls that wait, and frames under way."""

    service: str
    kind: Kind
    limits: Limits
    waiting: deque[_Call] = field(default_factory=deque)
    sent: dict[UUID, SentFrame] = field(default_factory=dict)
    in_flight: int = 0
    unanswered: int = 0
    unanswered_bytes: int = 0
    consumers: int = 0
    flushing: bool = False
    measures: LaneMeasures = field(init=False)

    def __post_init__(self) -> None:
        self.measures = LaneMeasures(
            self.service, self.kind, lambda: self.in_flight, lambda: self.unanswered
        )

    @property
    def queue(self) -> str:
        return queue_name(self.service, self.kind)

    def full(self) -> bool:
        """Tell whether another call would break the bounds."""
        return (
            self.unanswered >= self.limits.waiting
            or self.unanswered_bytes >= self.limits.waiting_bytes
        )

    def take(self) -> dict[int, _Call]:
        """Take the next frame's calls, leaving out those whose client has gone."""
        calls: dict[int, _Call] = {}
        size = 0
        while self.waiting and len(calls) < self.limits.frame_envelopes:
            call = self.waiting[0]
            if calls and size + len(call.envelope.payload) > self.limits.frame_bytes:
                break
            self.waiting.popleft()
            if not call.answer.done():
                size += len(call.envelope.payload)
                calls[len(calls)] = call
        return calls

    def release(self, sent: SentFrame) -> None:
        """Free the frame's place in flight, once."""
        if sent.holds_slot:
            sent.holds_slot = False
            self.in_flight -= 1


class BusClient:
    """Sends commands and queries to services and awaits their answers."""

    def __init__(
        self,
        transport: Transport,
        *,
        limits: Limits | None = None,
        timeout: float = 30.0,
    ) -> None:
        """``timeout`` is in seconds, the longest that a call may last."""
        self.timeout = timeout
        self._transport = transport
        self._limits = limits
        self._lanes: dict[tuple[str, Kind], _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect, and begin to watch deadlines and consumers."""
        await self._transport.listen_for_replies(self._on_reply, self._send_again)
        await self._transport.start()
        self._spawn(self._sweep())
        self._spawn(self._probe())

    async def close(self) -> None:
        """Stop; calls without an answer fail with TEMPORARILY_UNAVAILABLE."""
        for lane in self._lanes.values():
            for call in [
                *lane.waiting,
                *(c for s in lane.sent.values() for c in s.calls.values()),
            ]:
                if not call.answer.done():
                    call.answer.set_exception(unknown_outcome())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
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

    async def call(self, service: str, kind: Kind, envelope: Envelope) -> Answer:
        """Send one message and await its answer.

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
        call = _Call(envelope, asyncio.get_running_loop().create_future())
        size = len(envelope.payload)
        lane.waiting.append(call)
        lane.unanswered += 1
        lane.unanswered_bytes += size
        if not lane.flushing and lane.in_flight < lane.limits.frames_in_flight:
            # At the end of this turn of the event loop: the requests that other connections have
            # brought in the same turn go along, instead of waiting for the frame after this one.
            lane.flushing = True
            asyncio.get_running_loop().call_soon(self._flush, lane)
        try:
            return await call.answer
        finally:
            lane.unanswered -= 1
            lane.unanswered_bytes -= size

    def _lane(self, service: str, kind: Kind) -> _Lane:
        lane = self._lanes.get((service, kind))
        if lane is None:
            limits = self._limits or (QUERY_LIMITS if kind == "queries" else Limits())
            lane = self._lanes[service, kind] = _Lane(service, kind, limits)
        return lane

    def _flush(self, lane: _Lane) -> None:
        lane.flushing = False
        self._send_next(lane)

    def _send_next(self, lane: _Lane) -> None:
        while lane.waiting and lane.in_flight < lane.limits.frames_in_flight:
            calls = lane.take()
            if not calls:
                return
            envelopes = [call.envelope for call in calls.values()]
            frame = Frame(new_id(), lane.kind, envelopes, time.time())
            sent = lane.sent[frame.id] = SentFrame(encode_frame(frame), calls)
            lane.in_flight += 1
            lane.measures.left(len(calls), len(sent.body))
            self._spawn(self._publish(lane, frame.id, sent))

    async def _publish(self, lane: _Lane, frame_id: UUID, sent: SentFrame) -> None:
        deadline = max((c.envelope.deadline for c in sent.calls.values()), default=0.0)
        publication = Publication(
            routing_key=lane.queue,
            body=sent.body,
            message_id=frame_id.hex,
            reply_to=self._transport.reply_address,
            correlation_id=f"{lane.service} {lane.kind} {frame_id.hex}",
            persistent=lane.kind == "commands",
            expiration=max(deadline - time.time(), 0.001) if lane.kind == "queries" else None,
        )
        try:
            await self._transport.publish(publication)
        except BrokerUnavailableError as error:
            with about([call.envelope for call in sent.calls.values()]):
                log.warning("frame_not_published", queue=lane.queue, error=str(error))
            self._refuse(lane, frame_id, sent)
        except PublishUncertainError as error:
            # The frame is sent again after the reconnection, or its calls time out.
            with about([call.envelope for call in sent.calls.values()]):
                log.warning("frame_uncertain", queue=lane.queue, error=str(error))

    def _refuse(self, lane: _Lane, frame_id: UUID, sent: SentFrame) -> None:
        lane.sent.pop(frame_id, None)
        lane.release(sent)
        for call in sent.calls.values():
            if not call.answer.done():
                call.answer.set_exception(refused("The message broker can't take the request."))

    def _on_reply(self, publication: Publication) -> None:
        service, kind, key = publication.correlation_id.split(" ")
        lane = self._lanes[service, kind]  # type: ignore[index]  # we wrote the correlation id
        frame_id = UUID(hex=key)
        sent = lane.sent.get(frame_id)
        if sent is None:
            return
        for piece in decode_reply(publication.body):
            body = sent.complete(piece)
            if body is None:
                continue
            call = sent.calls.pop(piece.index, None)
            if call is not None and not call.answer.done():
                call.answer.set_result(Answer(body, piece.error))
        # The rest of a frame that has begun to answer is slow, not stuck: its neighbours go ahead.
        lane.release(sent)
        if not sent.calls:
            del lane.sent[frame_id]
        self._send_next(lane)

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
            now = time.time()
            for lane in self._lanes.values():
                _expire_waiting(lane, now)
                _expire_sent(lane, now)
                self._send_next(lane)

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(PROBE_INTERVAL)
            for lane in self._lanes.values():
                with contextlib.suppress(BrokerUnavailableError):
                    lane.consumers = await self._transport.consumers(lane.queue)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _expire_waiting(lane: _Lane, now: float) -> None:
    """Refuse calls that were never published; they are in the order of their deadlines."""
    while lane.waiting and lane.waiting[0].envelope.deadline <= now:
        call = lane.waiting.popleft()
        if not call.answer.done():
            call.answer.set_exception(refused("The request waited too long to be sent."))


def _expire_sent(lane: _Lane, now: float) -> None:
    """Give up on frames whose deadlines have all passed."""
    for frame_id, sent in list(lane.sent.items()):
        late = [index for index, c in sent.calls.items() if c.envelope.deadline <= now]
        for index in late:
            call = sent.calls.pop(index)
            if not call.answer.done():
                call.answer.set_exception(unknown_outcome())
        if not sent.calls:
            lane.release(sent)
            del lane.sent[frame_id]
