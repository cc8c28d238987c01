"""Events on the bus: what a message of the exchange ``events`` says, whoever published it."""

from dataclasses import dataclass
from uuid import UUID

from shared.bus import topology
from shared.bus.transport import Publication


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """``topic`` is ``<noun>.<verb>``; ``id`` is the same whenever the same event is published."""

    id: UUID
    project: int
    topic: str
    payload: bytes


def outgoing_event(event_id: UUID, topic: str, payload: bytes) -> Publication:
    """Return an event as it is published; ``topic`` is ``<project>.<noun>.<verb>``."""
    return Publication(
        exchange=topology.EVENTS,
        routing_key=topic,
        body=payload,
        message_id=event_id.hex,
        persistent=True,
        headers={topology.TOPIC_HEADER: topic},
    )


def read_event(publication: Publication) -> ReceivedEvent:
    """Read what ``outgoing_event`` wrote. Raises ValueError or KeyError on anything else."""
    project, _, topic = str(publication.headers[topology.TOPIC_HEADER]).partition(".")
    return ReceivedEvent(UUID(hex=publication.message_id), int(project), topic, publication.body)
