"""The sender of one queue: the calls that wait, the frames in flight, and when the next frame leaves.

Calls that arrive while frames are in flight leave together in the next frame. So an idle gateway
sends at once, and a busy one forms batches without a timer. ``BatchLimits.due_in`` is the rule.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.message import Kind
from shared.messaging.batch_limits import BatchLimits
from shared.messaging.measures import BatcherMeasures
from shared.messaging.messages import (
    Answer,
    Envelope,
    Frame,
    Piece,
    decode_reply,
    encode_frame,
    new_id,
)
from shared.messaging.topology import REQUESTS, request_queue
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

    ``body`` is kept because a reconnection sends the frame again. ``since`` is a time of the event loop's clock.
    ``holds_slot`` is true until the first reply, or until the frame has taken ``BatchLimits.slot_seconds``.
    """

    id: UUID
    body: bytes
    calls: dict[int, Call]
    since: float
    holds_slot: bool = True
    partial: dict[int, tuple[list[bytes], int]] = field(default_factory=dict)

    def add_piece(self, piece: Piece) -> bytes | None:
        """Add a piece of an answer. Return the whole body if this was its last piece, else None."""
        # A piece at 0 starts the answer over: the worker died in the middle of it, and another worker
        # sends it from the beginning. A piece that does not continue the bytes so far is dropped.
        held = self.partial.pop(piece.index, None) if piece.start else None
        bodies, size = held or ([], 0)
        if size != piece.start:
            return None
        bodies.append(piece.body)
        if piece.last:
            return b"".join(bodies)
        self.partial[piece.index] = (bodies, size + len(piece.body))
        return None


class RequestBatcher:
    """Sends the calls to one queue. It owns their frames, its timer and its publications.

    It belongs to the event loop in which it is created. ``clock`` returns Unix seconds. ``consumers`` is
    the last known number of the queue's consumers.
    """

    def __init__(
        self,
        transport: Transport,
        service: str,
        kind: Kind,
        limits: BatchLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport = transport
        self._service = service
        self._kind = kind
        self._queue = request_queue(service, kind)
        self.reply_address = transport.reply_address(service)
        self._limits = limits
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Call] = deque()
        self._waiting_bytes = 0
        self._unanswered = 0
        self._unanswered_bytes = 0
        self._in_flight = 0
        self._check_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._publishing: set[asyncio.Task[None]] = set()
        self.sent: dict[UUID, SentFrame] = {}
        self.consumers = 0
        self._measures = BatcherMeasures(
            service, kind, lambda: self._in_flight, lambda: self._unanswered
        )

    def add(self, envelope: Envelope, seconds: float) -> Call:
        """Add a call to the next frame; it waits for its answer for at most ``seconds``.

        ``remove`` must follow, whatever the outcome. Raises DomainError if too many calls are unanswered.
        """
        limits = self._limits
        if (
            self._unanswered >= limits.max_unanswered
            or self._unanswered_bytes >= limits.max_unanswered_bytes
        ):
            reason = "Too many requests are waiting."
            raise refused(reason)
        loop = self._loop
        now = loop.time()
        call = Call(envelope, loop.create_future(), now, now + seconds)
        size = len(envelope.payload)
        self._waiting.append(call)
        self._waiting_bytes += size
        self._unanswered += 1
        self._unanswered_bytes += size
        if not self._check_scheduled and self._in_flight < limits.frames_in_flight:
            # Check at the end of this turn of the event loop, not now: requests that other connections
            # bring in the same turn then share this frame, instead of waiting for the next one.
            # Without a free slot, the next reply checks.
            self._check_scheduled = True
            loop.call_soon(self._send_due)
        return call

    def remove(self, call: Call) -> None:
        """Stop counting a call: it has its answer, or its sender stopped waiting."""
        self._unanswered -= 1
        self._unanswered_bytes -= len(call.envelope.payload)

    def on_reply(self, frame_id: UUID, body: bytes) -> None:
        """Answer the calls whose answers a reply to a frame completes."""
        sent = self.sent.get(frame_id)
        if sent is None:
            # All its calls have timed out, or a frame that was sent twice is answered twice.
            return
        late = 0
        for piece in decode_reply(body):
            # Nearly every answer is one whole piece.
            whole = piece.last and not piece.start
            answer = piece.body if whole else sent.add_piece(piece)
            if answer is None:
                continue
            call = sent.calls.pop(piece.index, None)
            if call is None or call.answer.done():
                continue
            if piece.error is ErrorCode.DEADLINE_EXCEEDED:
                # The service did not carry out the message, so the client may repeat it.
                call.fail(refused("The request has expired by the service's clock."))
                late += call.until > self._loop.time()
            else:
                call.answer.set_result(Answer(answer, piece.error, *piece.details))
        if late:
            # By this process's clock these calls are not too late.
            log.warning("clocks_differ", queue=self._queue, calls=late)
        # The first reply frees the slot. The frame's other calls may be slow, but its worker is
        # working, so the next frame need not wait for them.
        self._free_slot(sent)
        if not sent.calls:
            del self.sent[frame_id]
        if self._waiting:
            self._send_due()

    def expire(self) -> None:
        """Fail the calls whose time is over, and send the frames that may leave now.

        A call that was never sent fails with ``refused``, one that was sent with ``unknown_outcome``.
        """
        now = self._loop.time()
        late = [call for call in self._waiting if call.until <= now]
        if late:
            # Late calls are not always at the front: a later call may have an earlier deadline.
            self._waiting = deque(call for call in self._waiting if call.until > now)
        for call in late:
            self._waiting_bytes -= len(call.envelope.payload)
            call.fail(refused("The request waited too long to be sent."))
        slot_until = now - self._limits.slot_seconds
        for sent in list(self.sent.values()):
            if sent.since <= slot_until:
                self._free_slot(sent)
            for index in [i for i, c in sent.calls.items() if c.until <= now]:
                sent.calls.pop(index).fail(unknown_outcome())
            if not sent.calls:
                self._free_slot(sent)
                del self.sent[sent.id]
        self._send_due()

    def send_again(self) -> None:
        """Send all frames in flight again, after a reconnection.

        Replies on the way were lost with the connection, and so perhaps were the frames. Sending a frame
        again is harmless: its service answers it from the inbox, or its work is idempotent.
        """
        # The workers may have lost their connections too, so the next call asks the broker again.
        self.consumers = 0
        for sent in self.sent.values():
            self._measures.resent.inc()
            self._publish_soon(sent)

    async def count_consumers(self) -> int:
        """Ask the broker for the number of the queue's consumers. If it can't be asked, the last number counts."""
        with suppress(BrokerUnavailableError):
            self.consumers = await self._transport.consumers(self._queue)
        return self.consumers

    async def close(self) -> None:
        """Fail every call, because the client closes."""
        if self._timer is not None:
            self._timer.cancel()
        for call in self._waiting:
            call.fail(refused("The server is shutting down."))
        for sent in self.sent.values():
            for call in sent.calls.values():
                call.fail(unknown_outcome())
        await cancel_and_wait(self._publishing)

    def _on_timer(self) -> None:
        self._timer = None
        self._send_due()

    def _send_due(self) -> None:
        """Send the frames that may leave now, and set a timer for the next one."""
        self._check_scheduled = False
        waiting = self._waiting
        while waiting:
            seconds = self._limits.due_in(
                len(waiting),
                self._waiting_bytes,
                self._loop.time() - waiting[0].since,
                self._unanswered,
                self._in_flight,
            )
            if seconds is None:
                return
            if seconds:
                if self._timer is None:
                    self._timer = self._loop.call_later(seconds, self._on_timer)
                return
            self._send_next()

    def _send_next(self) -> None:
        """Send the next frame, unless all senders of its calls stopped waiting."""
        calls = self._take()
        if calls:
            frame = Frame(
                new_id(), self._kind, [call.envelope for call in calls.values()], self._clock()
            )
            sent = SentFrame(frame.id, encode_frame(frame), calls, self._loop.time())
            self.sent[frame.id] = sent
            self._in_flight += 1
            self._measures.messages.observe(len(calls))
            self._measures.bytes.observe(len(sent.body))
            self._publish_soon(sent)

    def _take(self) -> dict[int, Call]:
        """Take the next frame's calls, without calls whose sender stopped waiting."""
        calls: dict[int, Call] = {}
        total = 0
        while self._waiting and len(calls) < self._limits.max_batch_size:
            call = self._waiting[0]
            size = len(call.envelope.payload)
            if not call.answer.done():
                total += size
                # The first call is always taken: a call larger than the limit travels alone.
                if calls and total > self._limits.frame_bytes:
                    break
                calls[len(calls)] = call
            self._waiting.popleft()
            self._waiting_bytes -= size
        return calls

    def _publish_soon(self, sent: SentFrame) -> None:
        task = self._loop.create_task(self._publish(sent))
        # The event loop itself keeps only a weak reference to a task.
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, sent: SentFrame) -> None:
        # The message expires with the last of its calls. So it does not fill the queue of a service that is
        # down, and is not carried out after its callers were told that the outcome is unknown.
        until = max((call.until for call in sent.calls.values()), default=0.0)
        publication = Publication(
            routing_key=self._queue,
            body=sent.body,
            exchange=REQUESTS,
            message_id=sent.id.hex,
            reply_to=self.reply_address,
            correlation_id=f"{self._service} {self._kind} {sent.id.hex}",
            expiration=max(until - self._loop.time(), 0.001),
        )
        try:
            await self._transport.publish(publication)
        except BrokerUnavailableError as error:
            self._warn("frame_not_published", sent, error)
            self._refuse(sent, refused("The message broker can't take the request."))
        except MessageTooLargeError as error:
            self._refuse(sent, too_large(str(error)))
        except PublishUncertainError as error:
            # The broker may have the frame, so it must not be reported as refused. It stays in
            # `sent`: it is sent again after the reconnection, or its calls time out.
            self._warn("frame_uncertain", sent, error)

    def _warn(self, event: str, sent: SentFrame, error: Exception) -> None:
        with bound_messages([call.envelope for call in sent.calls.values()]):
            log.warning(event, queue=self._queue, error=str(error))

    def _refuse(self, sent: SentFrame, reason: DomainError) -> None:
        self.sent.pop(sent.id, None)
        self._free_slot(sent)
        for call in sent.calls.values():
            call.fail(reason)

    def _free_slot(self, sent: SentFrame) -> None:
        """Let another frame be in flight in the place of this one."""
        if sent.holds_slot:
            sent.holds_slot = False
            self._in_flight -= 1
