"""Measures frames, on both sides of the bus.

These objects keep the series of each metric by its labels, so a measurement on the hot path is one or
two additions.
"""

import time
from collections.abc import Callable

from shared.contracts.errors import ErrorCode
from shared.contracts.message import Kind
from shared.messaging.messages import Answers, Frame
from shared.messaging.topology import queue_name
from shared.runtime import metrics
from shared.runtime.histogram import Series


class BatcherMeasures:
    """The measurements of one queue's sender. ``in_flight`` and ``unanswered`` are called at each scrape."""

    def __init__(
        self,
        service: str,
        kind: Kind,
        in_flight: Callable[[], float],
        unanswered: Callable[[], float],
    ) -> None:
        self.messages = metrics.FRAME_MESSAGES.labels(service, kind)
        self.bytes = metrics.FRAME_BYTES.labels(service, kind)
        self.resent = metrics.FRAMES_RESENT.labels(service, kind)
        metrics.FRAMES_IN_FLIGHT.labels(service, kind).set_function(in_flight)
        metrics.CALLS_UNANSWERED.labels(service, kind).set_function(unanswered)


class QueueMeasures:
    """The measurements of one queue's receiver."""

    def __init__(self, service: str, kind: Kind) -> None:
        self._service = service
        self._wait = metrics.QUEUE_WAIT.labels(service, kind)
        self._redelivered = metrics.REDELIVERIES.labels(queue_name(service, kind))
        self._durations: dict[tuple[str, ErrorCode | None], Series] = {}

    def received(self, frame: Frame, *, repeated: bool) -> None:
        """Count a repeated delivery, or measure how long the frame waited for its first one."""
        if repeated:
            self._redelivered.inc()
        elif frame.sent_at:
            self._wait.observe(max(time.time() - frame.sent_at, 0.0))

    def answered(self, frame: Frame, answers: Answers, seconds: float) -> None:
        """Measure the duration of a frame's answered messages, by message and outcome."""
        outcomes: dict[tuple[str, ErrorCode | None], int] = {}
        for index, answer in answers.items():
            key = (frame.envelopes[index].name, answer.error)
            outcomes[key] = outcomes.get(key, 0) + 1
        for key, times in outcomes.items():
            series = self._durations.get(key)
            if series is None:
                series = self._durations[key] = self._labelled(*key)
            series.observe(seconds, times)

    def _labelled(self, message: str, error: ErrorCode | None) -> Series:
        # A name that no handler knows may be any text. As a label it would make series without limit.
        known = "unknown" if error is ErrorCode.NOT_IMPLEMENTED else message
        return metrics.MESSAGE_DURATION.labels(self._service, known, error or "ok")


def event_ended(service: str, topic: str, began: float, outcome: str) -> None:
    """Measure an event's duration; ``began`` is a value of ``time.perf_counter``."""
    seconds = time.perf_counter() - began
    metrics.EVENT_DURATION.labels(service, topic, outcome).observe(seconds)
