"""Events that take effect before the command that they tell of is answered (ADR 40).

The outbox alone would bring them about half a second late: a client that has deleted a model would
still read its experiment. So after the commit, and before the answer, each such event is also sent as
a command. It is a matter of speed only. If the command fails, or the sender dies before it, the event
still comes through the exchange, under the same id; the reader's inbox takes the second for a copy.
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
    """Return when the subscribers have handled the events, or will do so later; never raises.

    Each event comes with the command that it tells of, which has been committed.
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
    """Let a service that subscribes to events take them as commands, too."""
    if not handlers.events:
        return handlers
    return replace(handlers, single={**handlers.single, HandleEvent: _handler_of(handlers.topics)})


def _handler_of(
    topics: Mapping[str, tuple[type[DomainEvent], EventHandler[Transaction]]],
) -> Handler[Transaction]:
    """Return what handles an event that comes as a command, unless it was handled before."""

    async def handle_event(cmd: HandleEvent, tx: Transaction) -> Empty:
        if cmd.topic not in topics:
            message = f"This service does not know the event {cmd.topic}."
            raise DomainError(ErrorCode.NOT_IMPLEMENTED, message)
        if cmd.event_id not in await inbox.find(tx.connection, [cmd.event_id]):
            contract, handle = topics[cmd.topic]
            await handle(contract.parse(cmd.payload.encode()), tx)
            tx.writes = True
            await inbox.store(tx.connection, {cmd.event_id: {}})
        return Empty()

    return handle_event
