"""Early events: subscribers handle them before the command that emitted them is answered (ADR 40).

Through the outbox alone an event can arrive after the answer: a client that has deleted a model could
still read the model's experiment. So each early event is also sent as a command, after the commit and
before the answer. This changes the time only. If that command fails, or its sender dies first, the event
still arrives through its exchange. Both have the same id, so the subscriber's inbox ignores the second.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import uuid5

import structlog

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.events import HandleEvent
from shared.contracts.experiments import Empty
from shared.contracts.message import DomainEvent
from shared.handling.context import CALL_SECONDS, EmittedEvent
from shared.handling.handlers import EventHandler, Handler
from shared.messaging.calls import Bus
from shared.messaging.messages import Envelope
from shared.messaging.topology import subscribers
from shared.postgres import inbox
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.transaction import Transaction

log = structlog.get_logger()


async def deliver(bus: Bus, events: Sequence[tuple[Envelope, EmittedEvent]]) -> None:
    """Send events to their subscribers and wait until they are handled; never raises.

    Each event comes with the command that emitted it, which must be committed. If a subscriber does not
    answer, it gets the event later, from the outbox.
    """
    await asyncio.gather(
        *(
            _deliver(bus, service, command, event)
            for command, event in events
            for service in subscribers(_noun_and_verb(event))
        )
    )


async def _deliver(bus: Bus, service: str, command: Envelope, event: EmittedEvent) -> None:
    message = HandleEvent(
        event_id=event.id, topic=_noun_and_verb(event), payload=event.payload.decode()
    )
    envelope = replace(
        command,
        # Not `event.id`: the handler stores that one in the inbox, and run one by one the command
        # stores its own id, too. Derived, it stays the same when the command is sent again.
        id=uuid5(event.id, service),
        name=type(message).__name__,
        payload=message.model_dump_json().encode(),
        idempotency_key=None,
    )
    try:
        (await bus.call(service, message.kind, envelope, CALL_SECONDS)).checked()
    except DomainError as error:
        log.warning("event_not_early", service=service, topic=event.topic, error=error.message)
    except Exception:
        log.exception("event_not_early", service=service, topic=event.topic)


def _noun_and_verb(event: EmittedEvent) -> str:
    return event.topic.partition(".")[2]


def with_early_events(handlers: PostgresHandlers) -> PostgresHandlers:
    """Add the handler of ``HandleEvent`` to a service that handles events."""
    if not handlers.events:
        return handlers
    return replace(handlers, single={**handlers.single, HandleEvent: _handler_of(handlers.topics)})


def _handler_of(
    topics: Mapping[str, tuple[type[DomainEvent], EventHandler[Transaction]]],
) -> Handler[Transaction]:
    """Return a handler that handles an event sent as a command, unless the inbox has its id."""

    async def handle_event(cmd: HandleEvent, tx: Transaction) -> Empty:
        if cmd.topic not in topics:
            message = f"This service does not know the event {cmd.topic}."
            raise DomainError(ErrorCode.NOT_IMPLEMENTED, message)
        if cmd.event_id not in await inbox.find(tx.connection, [cmd.event_id]):
            contract, handle = topics[cmd.topic]
            await handle(contract.parse(cmd.payload.encode()), tx)
            # The inbox row below is a write that does not pass through `tx.execute`.
            tx.has_written = True
            await inbox.store(tx.connection, {cmd.event_id: {}})
        return Empty()

    return handle_event
