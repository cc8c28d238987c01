"""Events on the bus: what a message of an outbox says, whoever published it."""

import math
from dataclasses import dataclass
from uuid import UUID

from shared.messaging import topology
from shared.messaging.messages import Envelope
from shared.messaging.transport import Publication


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """``topic`` is ``<noun>.<verb>``; ``id`` is the same whenever the same event is published.

    ``traceparent`` is that of the command which the event tells of, empty where nobody traces.
    """

    id: UUID
    project: int
    topic: str
    payload: bytes
    traceparent: str = ""

    def as_message(self) -> Envelope:
        """Return it as what a handler, or a log line, is about.

        It has no request and no deadline: who asked for what it tells of has long been answered.
        """
        return Envelope(
            self.id,
            self.topic,
            self.project,
            self.payload,
            math.inf,
            traceparent=self.traceparent,
        )


def outgoing_event(
    event_id: UUID, topic: str, payload: bytes, traceparent: str = ""
) -> Publication:
    """Return an event as it is published; ``topic`` is ``<project>.<noun>.<verb>``."""
    return Publication(
        exchange=topology.OUTBOX,
        routing_key=topic,
        body=payload,
        message_id=event_id.hex,
        persistent=True,
        headers={topology.TOPIC_HEADER: topic, topology.TRACE_HEADER: traceparent},
    )


def read_event(publication: Publication) -> ReceivedEvent:
    """Read what ``outgoing_event`` wrote. Raises ValueError or KeyError on anything else."""
    headers = publication.headers
    project, _, topic = str(headers[topology.TOPIC_HEADER]).partition(".")
    return ReceivedEvent(
        UUID(hex=publication.message_id),
        int(project),
        topic,
        publication.body,
        # Events of the release before have no trace.
        str(headers.get(topology.TRACE_HEADER, "")),
    )
