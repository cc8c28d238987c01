"""The outbox: events are stored in the transaction of their change, and published after its commit."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from asyncpg import Pool, Record

from shared.handling.context import EmittedEvent
from shared.messaging.events import outgoing_event
from shared.messaging.transport import BrokerUnavailableError, PublishUncertainError, Transport
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.runtime.metrics import OUTBOX_LAG

log = structlog.get_logger()

SQL = load_queries("shared.postgres.sql", "outbox")
RELAY_INTERVAL = 0.5
"""Seconds between two looks into the outbox without a signal. Events of another process give no signal here."""

RELAY_LINGER = 0.05
"""Seconds after a signal in which more events gather, to be published together."""

RELAY_BATCH = 500
"""Largest number of events that one transaction publishes."""

WATCH_INTERVAL = 5.0
"""Seconds between two measurements of the oldest event's age."""


async def append(connection: AnyConnection, events: Sequence[EmittedEvent]) -> None:
    """Write events. Must run in the transaction of the change that they report."""
    columns = zip(*((e.id, e.topic, e.payload, e.traceparent) for e in events), strict=True)
    await connection.execute(SQL["append"].sql, *columns)


async def relay_once(pool: "Pool[Record]", transport: Transport) -> int:
    """Publish the oldest events, in order, and return their number."""
    # The rows are deleted in a transaction that commits after the broker's confirms. So no event is
    # lost. After a crash in between, an event is published twice, with the same id.
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(SQL["lock"].sql):
            return 0  # The relay of another process is at work. Two at once would mix up the order.
        rows = await connection.fetch(SQL["take"].sql, RELAY_BATCH)
        for row in rows:
            # One after the other, which keeps the order. Each event waits for its own confirm.
            await transport.publish(outgoing_event(*row))
        return len(rows)


async def relay(
    pool: "Pool[Record]",
    transport: Transport,
    events_committed: asyncio.Event,
    interval: float = RELAY_INTERVAL,
) -> None:
    """Publish events until cancelled; ``events_committed`` signals new ones.

    ``interval`` is the time in seconds between two looks without a signal, and after a failure.
    """
    while True:
        try:
            if await relay_once(pool, transport) < RELAY_BATCH:
                await _next(events_committed, interval)
        except (BrokerUnavailableError, PublishUncertainError) as error:
            log.warning("outbox_waits", error=str(error))
            await asyncio.sleep(interval)
        except Exception:
            log.exception("outbox_failed")
            await asyncio.sleep(interval)


async def _next(events_committed: asyncio.Event, interval: float) -> None:
    """Wait for a signal, or for the time of the next look without one."""
    with suppress(TimeoutError):
        await asyncio.wait_for(events_committed.wait(), interval)
        # Cleared before the linger, not after it: a signal during the linger then leads to one more look.
        events_committed.clear()
        await asyncio.sleep(RELAY_LINGER)


async def watch(pool: "Pool[Record]", service: str) -> None:
    """Measure the age of the oldest event, until cancelled."""
    lag = OUTBOX_LAG.labels(service)
    while True:
        try:
            lag.set(await pool.fetchval(SQL["lag"].sql) or 0.0)
        except Exception as error:
            log.warning("outbox_not_watched", error=repr(error))
        await asyncio.sleep(WATCH_INTERVAL)
