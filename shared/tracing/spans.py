"""Makes spans, named by OpenTelemetry's semantic conventions (https://opentelemetry.io/docs/specs/semconv/).

No span holds a body, a bound value or the text of an exception, because these are users' data.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.contracts.errors import ErrorCode
from shared.contracts.message import Kind
from shared.messaging.calls import Bus
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, Envelope, Frame
from shared.messaging.processor import EventProcessor, Outcome, Processor
from shared.messaging.topology import queue_name, request_queue
from shared.tracing.hooks import R, Tracing, Work

_W3C = TraceContextTextMapPropagator()
_SERVER_ERRORS = 500


class SpanTracing(Tracing):
    """Makes a span for each request, call and SQL statement, and for each frame, query or event of a worker."""

    on = True

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("warren")
        self.query_logger = self._statement_ended

    def close(self) -> None:
        """Send the spans that are not sent yet. Waits some seconds for an unreachable collector."""
        self._provider.shutdown()

    def bus(self, bus: Bus) -> Bus:
        """Return a bus that sends the trace with each call."""
        return _TracedBus(bus, self)

    def processor(self, processor: Processor, service: str) -> Processor:
        """Return a processor whose work is part of its messages' traces."""
        return _TracedProcessor(processor, service, self)

    def events(self, events: EventProcessor, service: str) -> EventProcessor:
        """Return a processor whose work is part of its events' traces."""
        return _TracedEvents(events, service, self)

    async def outgoing(self, name: str, attributes: Mapping[str, str], work: Work[R]) -> R:
        """Run ``work``, which calls another server, in a span. Without a current trace there is no span."""
        if not get_current_span().is_recording():
            return await work()
        with self._span(name, SpanKind.CLIENT, attributes):
            return await work()

    async def request(
        self,
        method: str,
        route: str,
        headers: Mapping[str, str],
        work: Work[R],
        status: Callable[[R], int],
    ) -> R:
        """Run ``work``, which answers an HTTP request, in a span. It continues its client's trace, if there is one."""
        attributes = {"http.request.method": method, "http.route": route}
        with self._span(
            f"{method} {route}", SpanKind.SERVER, attributes, _W3C.extract(headers)
        ) as span:
            answer = await work()
            code = status(answer)
            span.set_attribute("http.response.status_code", code)
            if code >= _SERVER_ERRORS:
                _failed(span, str(code))
            return answer

    @contextmanager
    def calling(self, service: str, kind: Kind, envelope: Envelope) -> Iterator[tuple[Span, str]]:
        """Yield the span of a call, and the ``traceparent`` for the message."""
        queue = request_queue(service, kind)
        with self._span(f"send {queue}", SpanKind.CLIENT, _about(queue, [envelope])) as span:
            carrier: dict[str, str] = {}
            _W3C.inject(carrier)
            yield span, carrier["traceparent"]

    @contextmanager
    def working(self, queue: str, envelopes: Sequence[Envelope]) -> Iterator[Span | None]:
        """Yield the span of work on messages; None if no message has a trace.

        The messages of one frame share a transaction, but not a trace. The span with the SQL statements
        belongs to the first message's trace. Each other trace gets a span of the same duration, and the
        spans link to each other.
        """
        traced = [each for each in envelopes if each.traceparent]
        if not traced:
            yield None
            return
        name, attributes = f"process {queue}", _about(queue, envelopes)
        first, *others = [_W3C.extract({"traceparent": each.traceparent}) for each in traced]
        links = [Link(get_current_span(each).get_span_context()) for each in others]
        began = time.time_ns()
        with self._span(name, SpanKind.CONSUMER, attributes, first, links) as span:
            try:
                yield span
            finally:
                shared = [Link(span.get_span_context())]
                for context in others:
                    self._tracer.start_span(
                        name, context, SpanKind.CONSUMER, attributes, shared, start_time=began
                    ).end()

    def _statement_ended(self, query: Any) -> None:
        """Make a span for a finished statement, from asyncpg's ``LoggedQuery``. Untraced work gets none."""
        if not get_current_span().is_recording():
            return
        now = time.time_ns()
        began = now - int(query.elapsed * 1e9)
        text = " ".join(query.query.split())
        attributes = {"db.system.name": "postgresql", "db.query.text": text}
        verb = text.partition(" ")[0].rstrip(";").upper()
        span = self._tracer.start_span(
            verb, kind=SpanKind.CLIENT, attributes=attributes, start_time=began
        )
        if query.exception is not None:
            _failed(span, type(query.exception).__name__)
        span.end(now)

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Any],
        parent: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            parent,
            kind,
            attributes,
            links,
            # The library would record the exception's text, which may hold users' data.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                _failed(span, type(error).__name__)
                raise


class _TracedBus:
    def __init__(self, bus: Bus, tracing: SpanTracing) -> None:
        self._bus = bus
        self._tracing = tracing

    @property
    def ready(self) -> bool:
        return self._bus.ready

    async def call(
        self, service: str, kind: Kind, envelope: Envelope, seconds: float | None = None
    ) -> Answer:
        with self._tracing.calling(service, kind, envelope) as (span, traceparent):
            traced = replace(envelope, traceparent=traceparent)
            answer = await self._bus.call(service, kind, traced, seconds)
            _note(span, answer)
            return answer


class _TracedProcessor:
    def __init__(self, processor: Processor, service: str, tracing: SpanTracing) -> None:
        self._processor = processor
        self._tracing = tracing
        self._service = service

    async def commands(self, frame: Frame, *, redelivered: bool) -> Outcome:
        # A frame that is delivered again takes the queue that counts deliveries.
        queue = (
            queue_name(self._service, "commands")
            if redelivered
            else request_queue(self._service, frame.kind)
        )
        with self._tracing.working(queue, frame.envelopes) as span:
            outcome = await self._processor.commands(frame, redelivered=redelivered)
            if span is not None:
                span.set_attribute("warren.redelivered", redelivered)
                for answer in outcome.answers.values():
                    _note(span, answer)
            return outcome

    async def query(self, envelope: Envelope) -> Answer:
        queue = request_queue(self._service, "queries")
        with self._tracing.working(queue, [envelope]) as span:
            answer = await self._processor.query(envelope)
            if span is not None:
                _note(span, answer)
            return answer


class _TracedEvents:
    def __init__(self, events: EventProcessor, service: str, tracing: SpanTracing) -> None:
        self._events = events
        self._tracing = tracing
        self._queue = queue_name(service, "events")

    async def event(self, event: ReceivedEvent) -> None:
        with self._tracing.working(self._queue, [event.as_message()]):
            await self._events.event(event)


def _about(queue: str, envelopes: Sequence[Envelope]) -> dict[str, Any]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.destination.name": queue,
        "messaging.batch.message_count": len(envelopes),
        "warren.messages": sorted({each.name for each in envelopes}),
        "warren.projects": sorted({each.project for each in envelopes}),
        "warren.request_ids": [each.request_id for each in envelopes[:20]],
    }


def _note(span: Span, answer: Answer) -> None:
    """Note an error's code in the span. Only an internal error makes the span a failed one."""
    if answer.error is not None:
        span.set_attribute("error.type", answer.error)
        if answer.error is ErrorCode.INTERNAL_ERROR:
            span.set_status(StatusCode.ERROR)


def _failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)
