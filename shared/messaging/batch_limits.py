"""The limits of a request batcher, and the rule when a frame leaves.

Each frame costs both sides and the broker a fixed amount of work: a transaction with its inbox row, a
confirm and an acknowledgement. So a further frame leaves beside another only with a reason (ADR 7).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.message import Kind


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The limits of one request batcher.

    ``frames_in_flight`` is the largest number of frames without any answer, of those that left less than
    ``slot_seconds`` ago. ``max_batch_size`` and ``frame_bytes`` bound one frame. A worker keeps the memory that its
    largest frames needed: with ``frame_bytes`` of 4 MB tracking held 25 MB more, and was no faster.
    ``max_unanswered`` and ``max_unanswered_bytes`` bound the calls without an answer, sent or not.
    ``due_in`` explains the others. ``linger`` is in seconds.
    """

    frames_in_flight: int = 3
    min_batch_size: int = 8
    min_batch_bytes: int = 32_000
    linger: float = 0.01
    max_batch_size: int = 500
    frame_bytes: int = 1_000_000
    max_unanswered: int = 5_000
    max_unanswered_bytes: int = 64_000_000
    slot_seconds: float = math.inf

    def due_in(
        self, waiting: int, waiting_bytes: int, waited: float, unanswered: int, in_flight: int
    ) -> float | None:
        """Return the seconds until the next frame may leave; 0 means at once.

        ``waiting`` calls of ``waiting_bytes`` bytes are not sent, and the oldest has ``waited`` so many
        seconds. ``unanswered`` counts them and the calls of the ``in_flight`` frames.
        None means that time alone changes nothing: no call waits, or enough frames are in flight.
        """
        if not waiting or in_flight >= self.frames_in_flight:
            return None
        if (
            # The first frame never waits, so a lone client pays no linger.
            not in_flight
            or waiting >= self.min_batch_size
            # Few clients share the frames. Otherwise, of four clients one would have its frame in flight
            # and three would wait for its end, although the worker has nothing else to do.
            or waiting * self.frames_in_flight >= unanswered
            or waiting_bytes >= self.min_batch_bytes
        ):
            return 0.0
        return max(self.linger - waited, 0.0)


LIMITS: Mapping[Kind, BatchLimits] = {
    "commands": BatchLimits(),
    # Queries share no transaction, so there are more and smaller frames. Slow ones do not hold up the others.
    "queries": BatchLimits(frames_in_flight=8, linger=0.002, max_batch_size=50, slot_seconds=0.25),
}
