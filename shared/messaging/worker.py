"""The service's side of the bus: receives frames, sends answers, and acknowledges.

Only this module acknowledges deliveries, and only when nothing is left to lose. Either the transaction
is committed and the answers are sent, or the message is published to a retry queue or to the dead letters.
If a worker dies before its acknowledgement, the frame is delivered again: the inbox answers it, or its
work is idempotent and is repeated.

Retries and dead letters are published, not rejected. So they carry their attempt or reason, and the broker
confirms that it has them.
"""

import asyncio
import contextlib
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, cast, get_args
from uuid import UUID

import structlog

from shared.contracts.message import Kind
from shared.messaging import topology
from shared.messaging.askers import Askers
from shared.messaging.events import ReceivedEvent, read_event
from shared.messaging.measures import QueueMeasures, event_ended
from shared.messaging.messages import (
    Answer,
    Answers,
    Frame,
    decode_frame,
    encode_frame,
    encode_replies,
)
from shared.messaging.processor import EventProcessor, Outcome, Processor, RetryLaterError
from shared.messaging.transport import (
    BrokerUnavailableError,
    Delivery,
    OnDelivery,
    Publication,
    PublishUncertainError,
    Subscription,
    Transport,
)
from shared.runtime import log_context, metrics
from shared.runtime.clock import now

log = structlog.get_logger()

PersistentKind = Literal["commands", "events"]
"""Kinds of queues whose messages are retried, and may become dead letters."""

UNREADABLE = "the message is not a frame"

REASON_LENGTH = 500

PUBLISH_AGAIN_SECONDS = 0.5
"""Wait between two tries to publish a retry or a dead letter."""

EVENTS_AT_A_TIME = 8
"""Events that a process handles at the same time. So their handlers must not rely on an order."""


DRAIN_SECONDS = 20.0
"""How long a draining worker waits for its deliveries. The rest goes back to the queues: it is harmless twice."""

REPLY_LINGER = 0.002
"""How long the answer to a query waits for answers to other queries of its frame. A message of its own costs more."""


class Worker:
    """Consumes the queues of a service."""

    def __init__(
        self,
        transport: Transport,
        service: str,
        processor: Processor,
        *,
        command_frames: int = 4,
        query_frames: int = 16,
    ) -> None:
        """``command_frames`` and ``query_frames`` limit the deliveries that are processed at the same time."""
        self._askers = Askers(service)
        self._transport = transport
        self._service = service
        self._processor = processor
        self._command_frames = command_frames
        self._query_frames = query_frames
        self._measures: dict[Kind, QueueMeasures] = {
            kind: QueueMeasures(service, kind) for kind in get_args(Kind)
        }
        self._subscriptions: list[Subscription] = []
        self._busy: set[asyncio.Task[Any]] = set()
        self._draining = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Return whether the queues are being consumed."""
        return self._transport.ready and bool(self._subscriptions)

    async def start(self, events: EventProcessor | None = None) -> None:
        """Connect and consume commands and queries, and events if there is a processor for them."""
        await self._transport.start()
        await self._consume("transient-commands", self._on_transient, self._command_frames)
        await self._consume("commands", self._on_commands, self._command_frames)
        await self._consume("queries", self._on_queries, self._query_frames)
        if events is not None:
            await self._consume("events", partial(self._on_event, events), EVENTS_AT_A_TIME)

    async def _consume(self, kind: topology.QueueKind, handle: OnDelivery, prefetch: int) -> None:
        async def receive(delivery: Delivery) -> None:
            task = cast("asyncio.Task[Any]", asyncio.current_task())
            self._busy.add(task)
            try:
                await handle(delivery)
            finally:
                self._busy.discard(task)

        queue = topology.queue_name(self._service, kind)
        self._subscriptions.append(await self._transport.consume(queue, receive, prefetch))

    async def drain(self) -> None:
        """Take no further deliveries, finish those that have begun, and disconnect."""
        # Ends the tries to publish retries and dead letters. If the broker takes none now, their
        # deliveries stay unacknowledged and go back to their queue.
        self._draining.set()
        for subscription in self._subscriptions:
            await subscription.cancel()
        if self._busy:
            _, unfinished = await asyncio.wait(self._busy, timeout=DRAIN_SECONDS)
            if unfinished:
                log.warning("drain_unfinished", service=self._service, deliveries=len(unfinished))
        await self._transport.close()

    async def _on_transient(self, delivery: Delivery) -> None:
        if not delivery.redelivered:
            await self._on_commands(delivery)
            return
        # Perhaps the frame killed its worker. A classic queue counts no deliveries. So the frame
        # moves to a quorum queue, where it becomes a dead letter in the end.
        frame = _decode(delivery)
        if frame and (
            refusals := self._askers.refuse(delivery.publication.exchange, frame.envelopes)
        ):
            await self._answer(delivery, refusals)
            return
        queue = topology.queue_name(self._service, "commands")
        await self._move(delivery, queue, _attempt(delivery) + 1)

    async def _on_commands(self, delivery: Delivery) -> None:
        frame = _decode(delivery)
        if frame is None:
            await self._dead_letter(delivery, "commands", UNREADABLE)
            return
        if refusals := self._askers.refuse(delivery.publication.exchange, frame.envelopes):
            await self._answer(delivery, refusals)
            return
        began = time.perf_counter()
        measures = self._measures["commands"]
        attempt = _attempt(delivery) if delivery.publication.headers else 0
        # A retry is a new message to RabbitMQ, so only the attempt shows that it was here before.
        repeated = delivery.redelivered or attempt > 0
        measures.received(frame, repeated=repeated)
        # Each delivery has a task of its own, which ends with it.
        log_context.messages.set(frame.envelopes)
        outcome = await self._carry_out(delivery, frame, attempt, repeated=repeated)
        measures.answered(frame, outcome.answers, time.perf_counter() - began)

    async def _carry_out(
        self, delivery: Delivery, frame: Frame, attempt: int, *, repeated: bool
    ) -> Outcome:
        """Carry out a command frame and end its delivery. A retry or dead frame has no answers."""
        try:
            outcome = await self._processor.commands(frame, redelivered=repeated)
        except RetryLaterError as error:
            await self._retry(delivery, "commands", attempt + 1, error)
            return Outcome({})
        except Exception as error:
            log.exception("frame_failed", queue=delivery.publication.routing_key)
            await self._dead_letter(delivery, "commands", repr(error))
            return Outcome({})
        # The work is committed here, and the acknowledgement comes last. If the worker dies in between,
        # the frame is delivered again: the inbox answers it, or its work is idempotent and is repeated.
        # With the acknowledgement first, the client would wait for an answer in vain. The dead letters
        # come before it, too: the frame that is delivered again then publishes them again, with the same ids.
        if not outcome.poison or await self._dead_letter_poison(frame, outcome.poison, delivery):
            await self._answer(delivery, outcome.answers)
        return outcome

    async def _on_queries(self, delivery: Delivery) -> None:
        frame = _decode(delivery)
        if frame is None:
            # No dead letter: a query changes nothing, and its client times out.
            await delivery.ack()
            return
        if refusals := self._askers.refuse(delivery.publication.exchange, frame.envelopes):
            await self._answer(delivery, refusals)
            return
        began = time.perf_counter()
        measures = self._measures["queries"]
        measures.received(frame, repeated=delivery.redelivered)
        pending = {
            asyncio.ensure_future(self._processor.query(envelope)): index
            for index, envelope in enumerate(frame.envelopes)
        }
        # Answers leave as they are ready: a slow query does not delay the others of its frame.
        while pending:
            done = await _next_answers(pending)
            ready = {pending.pop(task): task.result() for task in done}
            await self._reply(delivery, ready)
            measures.answered(frame, ready, time.perf_counter() - began)
        await delivery.ack()

    async def _on_event(self, events: EventProcessor, delivery: Delivery) -> None:
        began = time.perf_counter()
        try:
            event = read_event(delivery.publication)
        except Exception as error:
            log.exception("event_unreadable", topic=delivery.publication.routing_key)
            await self._dead_letter(delivery, "events", repr(error))
            event_ended(self._service, "unknown", began, "dead")
            return
        log_context.messages.set([event.as_message()])
        outcome = await self._handle_event(events, delivery, event)
        event_ended(self._service, event.topic, began, outcome)

    async def _handle_event(
        self, events: EventProcessor, delivery: Delivery, event: ReceivedEvent
    ) -> str:
        try:
            await events.event(event)
        except RetryLaterError as error:
            await self._retry(delivery, "events", _attempt(delivery) + 1, error)
            return "retried"
        except Exception as error:
            log.exception("event_failed", topic=delivery.publication.routing_key)
            await self._dead_letter(delivery, "events", repr(error))
            return "dead"
        # After its commit: if the worker dies before this, the event is delivered again, without effect.
        await delivery.ack()
        return "ok"

    async def _answer(self, delivery: Delivery, answers: Answers) -> None:
        """Send the last answers to a frame, and end its delivery."""
        await self._reply(delivery, answers)
        await delivery.ack()

    async def _reply(self, delivery: Delivery, answers: Answers) -> None:
        """Send answers to the sender of a request."""
        # A lost reply is not sent again from here. Its client sends the frame again after a
        # reconnection, and the inbox answers it; or its calls time out.
        request = delivery.publication
        try:
            for body in encode_replies(answers):
                await self._transport.publish(
                    Publication(
                        routing_key=request.reply_to,
                        body=body,
                        exchange=topology.REPLIES,
                        correlation_id=request.correlation_id,
                    )
                )
        except (BrokerUnavailableError, PublishUncertainError) as error:
            log.warning("reply_lost", error=str(error))

    async def _retry(
        self, delivery: Delivery, kind: PersistentKind, attempt: int, error: RetryLaterError
    ) -> None:
        """Move a message to its retry queue, or to the dead letters after its last attempt."""
        queue = topology.queue_name(self._service, kind)
        retry_queue = topology.retry_queue(queue, attempt)
        if retry_queue is None:
            log.error("retries_exhausted", queue=queue, attempts=attempt, error=str(error))
            await self._dead_letter(
                delivery, kind, f"retries exhausted after {attempt} attempts: {error}"
            )
            return
        metrics.RETRIES.labels(queue).inc()
        log.warning("message_retried", queue=queue, attempt=attempt, error=str(error))
        await self._move(delivery, retry_queue, attempt)

    async def _move(self, delivery: Delivery, queue: str, attempt: int) -> None:
        """Publish a message to another queue with the number of its next attempt, then acknowledge it."""
        moved = replace(
            delivery.publication,
            exchange=topology.REQUEUE,
            routing_key=queue,
            # Transient messages too: the copy must survive the broker. The original is acknowledged only
            # after the broker has confirmed the copy.
            persistent=True,
            headers={**delivery.publication.headers, topology.ATTEMPT_HEADER: attempt},
        )
        if await self._publish_until_confirmed(moved, delivery):
            await delivery.ack()

    async def _dead_letter(self, delivery: Delivery, kind: PersistentKind, reason: str) -> None:
        """Publish a message as a dead letter, then acknowledge it."""
        publication = delivery.publication
        if await self._publish_until_confirmed(
            self._as_dead_letter(publication, kind, reason), delivery
        ):
            metrics.DEAD_LETTERS.labels(topology.queue_name(self._service, kind)).inc()
            await delivery.ack()

    async def _dead_letter_poison(
        self, frame: Frame, poison: Mapping[int, str], delivery: Delivery
    ) -> bool:
        """Publish poison commands as dead letters. Return False if one could not be published."""
        queue = topology.queue_name(self._service, "commands")
        for index, reason in poison.items():
            envelope = frame.envelopes[index]
            # A frame of one: the frame's other commands are done and must not be replayed with it.
            alone = Publication(
                routing_key="",
                exchange="",
                body=encode_frame(Frame(envelope.id, frame.kind, [envelope])),
                message_id=envelope.id.hex,
            )
            if not await self._publish_until_confirmed(
                self._as_dead_letter(alone, "commands", reason), delivery
            ):
                return False
            metrics.DEAD_LETTERS.labels(queue).inc()
        return True

    def _as_dead_letter(
        self, publication: Publication, kind: PersistentKind, reason: str
    ) -> Publication:
        return replace(
            publication,
            exchange=topology.REQUEUE,
            routing_key=topology.dead_letter_queue(topology.queue_name(self._service, kind)),
            reply_to="",
            persistent=True,
            headers={
                **publication.headers,
                topology.REASON_HEADER: reason[:REASON_LENGTH],
                topology.DIED_HEADER: now(),
            },
        )

    async def _publish_until_confirmed(self, publication: Publication, delivery: Delivery) -> bool:
        """Publish a message that takes the place of a delivery. Return False if it could not be published.

        Then the delivery is lost or the worker drains, and the broker delivers the message again.
        """
        # An unacknowledged delivery stays with this worker, so publishing is tried again and again. Once
        # the delivery is lost another worker gets it, and publishing here would make a second copy.
        while not delivery.lost:
            try:
                await self._transport.publish(publication)
            except (BrokerUnavailableError, PublishUncertainError) as error:
                log.warning("message_not_moved", queue=publication.routing_key, error=str(error))
                if await self._drain_begins_within(PUBLISH_AGAIN_SECONDS):
                    return False
            else:
                return True
        return False

    async def _drain_begins_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._draining.wait(), seconds)
        return self._draining.is_set()


async def _next_answers(pending: Collection[asyncio.Task[Answer]]) -> set[asyncio.Task[Answer]]:
    """Wait for the first answer, then a moment for others that can share its message."""
    done, rest = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    if rest:
        also_done, _ = await asyncio.wait(rest, timeout=REPLY_LINGER)
        done |= also_done
    return done


def _attempt(delivery: Delivery) -> int:
    """Return the number of a message's attempt: 0 at first, then one more with each move to another queue."""
    return int(delivery.publication.headers.get(topology.ATTEMPT_HEADER, 0))


def _decode(delivery: Delivery) -> Frame | None:
    publication = delivery.publication
    try:
        return decode_frame(UUID(hex=publication.message_id), publication.body)
    except (ValueError, KeyError, TypeError) as error:
        log.error("frame_unreadable", queue=publication.routing_key, error=repr(error))  # noqa: TRY400
        return None
