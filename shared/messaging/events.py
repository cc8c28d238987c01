"""Events on the bus: how they are written into messages and read from them."""

import math
from dataclasses import dataclass
from uuid import UUID

from shared.messaging import topology
from shared.messaging.messages import Envelope
from shared.messaging.transport import Publication


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event as a subscriber receives it.

    ``topic`` is ``<noun>.<verb>``. ``id`` stays the same when an event is published again.
    ``traceparent`` comes from the command that caused the event; it is empty without tracing.
    """

    id: UUID
    project: int
    topic: str
    payload: bytes
    traceparent: str = ""

    def as_message(self) -> Envelope:
        """Return the event as an envelope, for handlers and log lines.

        An event has no request id and no deadline: the request that caused it is already finished.
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
    """Return the publication of an event; ``topic`` is ``<project>.<noun>.<verb>``."""
    return Publication(
        exchange=topology.OUTBOX,
        routing_key=topic,
        body=payload,
        message_id=event_id.hex,
        persistent=True,
        headers={topology.TOPIC_HEADER: topic, topology.TRACE_HEADER: traceparent},
    )


def read_event(publication: Publication) -> ReceivedEvent:
    """Read what ``outgoing_event`` wrote. Raises ValueError or KeyError for other messages."""
    # The topic is read from a header: on its way through a retry queue an event loses its routing key.
    headers = publication.headers
    project, _, topic = str(headers[topology.TOPIC_HEADER]).partition(".")
    return ReceivedEvent(
        UUID(hex=publication.message_id),
        int(project),
        topic,
        publication.body,
        # Events of the previous release have no trace.
        str(headers.get(topology.TRACE_HEADER, "")),
    )
