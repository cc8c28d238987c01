"""The sender's side of one queue: the calls that wait, and the frames in flight.

Calls that arrive while frames are in flight leave together in the next frame. So an idle gateway
sends at once, and a busy one forms batches without a timer.

Each frame costs both sides and the broker a fixed amount of work: a transaction with its inbox row, a
confirm and an acknowledgement. So a further frame leaves beside another only with a reason (ADR 7): it
carries enough calls or bytes, or its share of the few unanswered calls, or its oldest call has waited
for the linger time.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.message import Kind
from shared.messaging.measures import BatcherMeasures
from shared.messaging.messages import Answer, Envelope, Frame, Piece, encode_frame, new_id
from shared.messaging.topology import request_queue


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one request batcher.

    While another frame is in flight, a frame leaves as soon as one of these is true:
    it has ``min_batch_size`` calls; it has ``min_batch_bytes`` bytes; its calls are at least one
    ``frames_in_flight``-th of all unanswered calls; its oldest call has waited ``linger`` seconds.

    ``max_batch_size`` and ``frame_bytes`` bound one frame. A worker keeps the memory that its largest
    frames needed: with ``frame_bytes`` of 4 MB tracking held 25 MB more, and was no faster.
    ``waiting`` and ``waiting_bytes`` bound the calls without an answer, sent or not.
    """

    frames_in_flight: int = 3
    min_batch_size: int = 8
    min_batch_bytes: int = 32_000
    linger: float = 0.01
    max_batch_size: int = 500
    frame_bytes: int = 1_000_000
    waiting: int = 5_000
    waiting_bytes: int = 64_000_000


LIMITS: Mapping[Kind, Limits] = {
    "commands": Limits(),
    # Queries share no transaction, and a slow frame keeps its slot. So there are more and smaller frames.
    "queries": Limits(frames_in_flight=8, linger=0.002, max_batch_size=50),
}


def refused(reason: str) -> DomainError:
    """Return the error for a call that was not carried out: 429, safe to repeat."""
    return DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, f"{reason} Nothing was done; try again.")


def too_large(reason: str) -> DomainError:
    """Return the error for a call that is too large for the broker."""
    return invalid(f"The request is too large for the message broker: {reason}. Send it in parts.")


def unknown_outcome() -> DomainError:
    """Return the error for a call that was published, but not answered in time: 503."""
    message = (
        "The service did not answer in time. The request may or may not have been carried out."
    )
    return DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message)


@dataclass(slots=True, eq=False)
class Call:
    """A message whose sender waits for the answer, from ``since`` until ``until``.

    Both are times of the event loop's clock, which is never adjusted. The envelope's deadline is a
    time of the wall clock, for other processes.
    """

    envelope: Envelope
    answer: asyncio.Future[Answer]
    since: float
    until: float

    def fail(self, error: DomainError) -> None:
        """Answer with an error, unless the call has an answer or its sender stopped waiting."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True, eq=False)
class SentFrame:
    """A frame in flight: its bytes, its unanswered calls by index, and the pieces of their answers so far.

    ``body`` is kept because a reconnection sends the frame again. ``holds_slot`` is true until the first reply.
    """

    body: bytes
    calls: dict[int, Call]
    holds_slot: bool = True
    partial: dict[int, bytes] = field(default_factory=dict)

    def complete(self, piece: Piece) -> bytes | None:
        """Add a piece of an answer. Return the whole body if it is complete, else None."""
        # A piece at 0 starts the answer over: the worker died in the middle of it, and another worker
        # sends it from the beginning. A piece that does not continue the bytes so far is dropped.
        so_far = self.partial.pop(piece.index, b"") if piece.start else b""
        if len(so_far) != piece.start:
            return None
        if piece.last:
            return so_far + piece.body if so_far else piece.body
        self.partial[piece.index] = so_far + piece.body
        return None


@dataclass(slots=True, eq=False)
class RequestBatcher:
    """One queue's calls that wait, and its frames in flight. It decides when the next frame leaves.

    ``consumers`` is the last known number of the queue's consumers. ``looking`` is true while
    a check for due frames is scheduled for the end of the event loop's turn.
    """

    service: str
    kind: Kind
    limits: Limits
    waiting: deque[Call] = field(default_factory=deque)
    waiting_bytes: int = 0
    sent: dict[UUID, SentFrame] = field(default_factory=dict)
    in_flight: int = 0
    unanswered: int = 0
    unanswered_bytes: int = 0
    consumers: int = 0
    looking: bool = False
    timer: asyncio.TimerHandle | None = None
    measures: BatcherMeasures = field(init=False)

    def __post_init__(self) -> None:
        self.measures = BatcherMeasures(
            self.service, self.kind, lambda: self.in_flight, lambda: self.unanswered
        )

    @property
    def queue(self) -> str:
        """The queue's name at the broker."""
        return request_queue(self.service, self.kind)

    def full(self) -> bool:
        """Return whether another call would exceed the limits."""
        return (
            self.unanswered >= self.limits.waiting
            or self.unanswered_bytes >= self.limits.waiting_bytes
        )

    def has_slot(self) -> bool:
        """Return whether another frame may be in flight."""
        return self.in_flight < self.limits.frames_in_flight

    def add(self, call: Call) -> None:
        """Let a call wait for the next frame. ``answered`` must follow, whatever the outcome."""
        size = len(call.envelope.payload)
        self.waiting.append(call)
        self.waiting_bytes += size
        self.unanswered += 1
        self.unanswered_bytes += size

    def answered(self, call: Call) -> None:
        """Stop counting a call: it has its answer, or its sender stopped waiting."""
        self.unanswered -= 1
        self.unanswered_bytes -= len(call.envelope.payload)

    def due_in(self, now: float) -> float | None:
        """Return the seconds until the next frame may leave.

        0 means at once. None means that time alone changes nothing: no call waits, or no slot is free.
        """
        if not self.waiting or not self.has_slot():
            return None
        limits = self.limits
        if (
            # The first frame never waits, so a lone client pays no linger.
            not self.in_flight
            or len(self.waiting) >= limits.min_batch_size
            # Few clients share the slots. Otherwise, of four clients one would have its frame in flight
            # and three would wait for its end, although the worker has nothing else to do.
            or len(self.waiting) * limits.frames_in_flight >= self.unanswered
            or self.waiting_bytes >= limits.min_batch_bytes
        ):
            return 0.0
        return max(self.waiting[0].since + limits.linger - now, 0.0)

    def next_frame(self) -> tuple[UUID, SentFrame] | None:
        """Put waiting calls into a frame, and count it as in flight. Return None if all senders stopped waiting."""
        calls = self._take()
        if not calls:
            return None
        frame = Frame(new_id(), self.kind, [c.envelope for c in calls.values()], time.time())
        sent = self.sent[frame.id] = SentFrame(encode_frame(frame), calls)
        self.in_flight += 1
        self.measures.left(len(calls), len(sent.body))
        return frame.id, sent

    def release(self, sent: SentFrame) -> None:
        """Free the frame's slot, once."""
        if sent.holds_slot:
            sent.holds_slot = False
            self.in_flight -= 1

    def expire(self, now: float) -> None:
        """Fail the calls whose time is over; ``now`` is a time of the event loop's clock.

        A call that was never sent fails with ``refused``, one that was sent with ``unknown_outcome``.
        """
        late = [call for call in self.waiting if call.until <= now]
        if late:
            # Late calls are not always at the front: a later call may have an earlier deadline.
            self.waiting = deque(call for call in self.waiting if call.until > now)
        for call in late:
            self.waiting_bytes -= len(call.envelope.payload)
            call.fail(refused("The request waited too long to be sent."))
        for frame_id, sent in list(self.sent.items()):
            for index in [i for i, c in sent.calls.items() if c.until <= now]:
                sent.calls.pop(index).fail(unknown_outcome())
            if not sent.calls:
                self.release(sent)
                del self.sent[frame_id]

    def abandon(self) -> None:
        """Fail every call, because the client closes."""
        for call in self.waiting:
            call.fail(refused("The server is shutting down."))
        for sent in self.sent.values():
            for call in sent.calls.values():
                call.fail(unknown_outcome())
        if self.timer is not None:
            self.timer.cancel()

    def _take(self) -> dict[int, Call]:
        """Take the next frame's calls, without calls whose sender stopped waiting."""
        calls: dict[int, Call] = {}
        size = 0
        while self.waiting and len(calls) < self.limits.max_batch_size:
            call = self.waiting[0]
            if not call.answer.done():
                size += len(call.envelope.payload)
                # The first call is always taken: a call larger than the limit travels alone.
                if calls and size > self.limits.frame_bytes:
                    break
                calls[len(calls)] = call
            self._pop()
        return calls

    def _pop(self) -> Call:
        call = self.waiting.popleft()
        self.waiting_bytes -= len(call.envelope.payload)
        return call
