"""The sender's side of one queue: the calls that wait, and the frames under way.

Natural batching: a few frames may be under way, and what arrives meanwhile leaves together in the
next one. An idle gateway sends at once, a busy one batches by itself. A frame costs both sides and
the broker some work whatever it carries, so a further one leaves beside another only when it is
worth that: a frame that carries enough, or its share of the little that there is, or a call that
has waited long enough (ADR 7).
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
from shared.messaging.topology import TRANSIENT, queue_name


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes of a lane. ``waiting`` bounds the calls without an answer, sent or not.

    While a frame is under way another one leaves with ``company`` calls, or with its share of the
    unanswered ones (they make ``frames_in_flight`` frames), or with ``company_bytes``, or when its
    oldest call has waited ``patience`` seconds. A worker
    keeps memory that the objects of its largest frames took: with ``frame_bytes`` of 4 MB tracking
    held 25 MB more, and was no faster.
    """

    frames_in_flight: int = 3
    min_batch_size: int = 16
    min_batch_bytes: int = 32_000
    linger: float = 0.01
    max_batch_size: int = 500
    frame_bytes: int = 1_000_000
    waiting: int = 5_000
    waiting_bytes: int = 64_000_000


LIMITS: Mapping[Kind, Limits] = {
    "commands": Limits(),
    # Without a write to the broker's disk a frame costs less, and is worth it with less in it.
    "transient-commands": Limits(min_batch_size=8),
    # These have no transaction to share, and a slow one keeps its frame's place: more frames, with less in them.
    "queries": Limits(frames_in_flight=8, min_batch_size=8, linger=0.002, max_batch_size=50),
}


def refused(reason: str) -> DomainError:
    """Return the error for a call of which nothing was published: 429, safe to repeat."""
    return DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, f"{reason} Nothing was done; try again.")


def too_large(reason: str) -> DomainError:
    """Return the error for a call that the broker will never take."""
    return invalid(f"The request is too large for the message broker: {reason}. Send it in parts.")


def unknown_outcome() -> DomainError:
    """Return the error for a call that was published and not answered in time: 503."""
    message = (
        "The service did not answer in time. The request may or may not have been carried out."
    )
    return DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message)


@dataclass(slots=True, eq=False)
class Call:
    """A message that somebody awaits the answer to, from ``since`` until ``until``.

    Both are by the event loop's clock, which nobody sets: the envelope's deadline is for others.
    """

    envelope: Envelope
    answer: asyncio.Future[Answer]
    since: float
    until: float

    def fail(self, error: DomainError) -> None:
        """Answer with an error, unless there is an answer or nobody waits any more."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True, eq=False)
class SentFrame:
    """A frame that was published, with the calls that it carries, by index, and their answers so far."""

    body: bytes
    calls: dict[int, Call]
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
class RequestBatcher:
    """One queue: calls that wait, and frames under way."""

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
        """Its name at the broker."""
        return queue_name(self.service, self.kind)

    @property
    def persistent(self) -> bool:
        """Tell whether the broker keeps its frames on disk, past their deadlines if it must."""
        return self.kind not in TRANSIENT

    def full(self) -> bool:
        """Tell whether another call would break the bounds."""
        return (
            self.unanswered >= self.limits.waiting
            or self.unanswered_bytes >= self.limits.waiting_bytes
        )

    def has_slot(self) -> bool:
        """Tell whether another frame may be under way."""
        return self.in_flight < self.limits.frames_in_flight

    def add(self, call: Call) -> None:
        """Let a call wait for its frame; `answered` is to follow, whatever comes of it."""
        size = len(call.envelope.payload)
        self.waiting.append(call)
        self.waiting_bytes += size
        self.unanswered += 1
        self.unanswered_bytes += size

    def answered(self, call: Call) -> None:
        """Forget a call that has its answer, or that nobody awaits any more."""
        self.unanswered -= 1
        self.unanswered_bytes -= len(call.envelope.payload)

    def due_in(self, now: float) -> float | None:
        """Return the seconds until the next frame may leave: 0 at once, None with the next answer."""
        if not self.waiting or not self.has_slot():
            return None
        limits = self.limits
        if (
            not self.in_flight
            or len(self.waiting) >= limits.min_batch_size
            or len(self.waiting) * limits.frames_in_flight >= self.unanswered
            or self.waiting_bytes >= limits.min_batch_bytes
        ):
            return 0.0
        return max(self.waiting[0].since + limits.linger - now, 0.0)

    def next_frame(self) -> tuple[UUID, SentFrame] | None:
        """Put what waits into a frame that counts as under way; None if nobody waits any more."""
        calls = self._take()
        if not calls:
            return None
        frame = Frame(new_id(), self.kind, [c.envelope for c in calls.values()], time.time())
        sent = self.sent[frame.id] = SentFrame(encode_frame(frame), calls)
        self.in_flight += 1
        self.measures.left(len(calls), len(sent.body))
        return frame.id, sent

    def release(self, sent: SentFrame) -> None:
        """Free the frame's place in flight, once."""
        if sent.holds_slot:
            sent.holds_slot = False
            self.in_flight -= 1

    def expire(self, now: float) -> None:
        """Give up on the calls whose time is up; ``now`` is by the event loop's clock."""
        late = [call for call in self.waiting if call.until <= now]
        if late:
            # Not always those at the front: who comes later may have less patience.
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
        """Fail every call: the client closes."""
        for call in self.waiting:
            call.fail(refused("The server is leaving."))
        for sent in self.sent.values():
            for call in sent.calls.values():
                call.fail(unknown_outcome())
        if self.timer is not None:
            self.timer.cancel()

    def _take(self) -> dict[int, Call]:
        """Take the next frame's calls, leaving out those whose client has gone."""
        calls: dict[int, Call] = {}
        size = 0
        while self.waiting and len(calls) < self.limits.max_batch_size:
            call = self.waiting[0]
            if not call.answer.done():
                size += len(call.envelope.payload)
                if calls and size > self.limits.frame_bytes:
                    break
                calls[len(calls)] = call
            self._pop()
        return calls

    def _pop(self) -> Call:
        call = self.waiting.popleft()
        self.waiting_bytes -= len(call.envelope.payload)
        return call
