"""The outbox: events leave after the transaction that they tell of, and never without it."""

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
"""Seconds until events are looked for that nobody called the relay for: those of another worker."""

RELAY_LINGER = 0.05
"""Seconds for which events gather that are published together."""

RELAY_BATCH = 500
WATCH_INTERVAL = 5.0


async def append(connection: AnyConnection, events: Sequence[EmittedEvent]) -> None:
    """Write events in the transaction of the change that they tell of."""
    columns = zip(*((e.id, e.topic, e.payload, e.traceparent) for e in events), strict=True)
    await connection.execute(SQL["append"], *columns)


async def relay_once(pool: "Pool[Record]", transport: Transport) -> int:
    """Publish the oldest events, in order; return how many.

    They are deleted in a transaction that commits after the broker's confirms: an event may be
    published twice (after a crash in between), under the same id, and is never lost.
    """
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(SQL["lock"]):
            return 0
        rows = await connection.fetch(SQL["take"], RELAY_BATCH)
        for row in rows:
            await transport.publish(outgoing_event(*row))
        return len(rows)


async def relay(pool: "Pool[Record]", transport: Transport, told: asyncio.Event) -> None:
    """Publish events as they come, until cancelled; ``told`` is set when there are new ones."""
    while True:
        try:
            if await relay_once(pool, transport) < RELAY_BATCH:
                await _next(told)
        except (BrokerUnavailableError, PublishUncertainError) as error:
            log.warning("outbox_waits", error=str(error))
            await asyncio.sleep(RELAY_INTERVAL)
        except Exception:
            log.exception("outbox_failed")
            await asyncio.sleep(RELAY_INTERVAL)


async def _next(told: asyncio.Event) -> None:
    """Return when there are, or may be, new events."""
    with suppress(TimeoutError):
        await asyncio.wait_for(told.wait(), RELAY_INTERVAL)
        # Cleared first: what is committed while events gather may come too late for the next look.
        told.clear()
        await asyncio.sleep(RELAY_LINGER)


async def watch(pool: "Pool[Record]", service: str) -> None:
    """Measure how long events wait here, until cancelled."""
    lag = OUTBOX_LAG.labels(service)
    while True:
        try:
            lag.set(await pool.fetchval(SQL["lag"]) or 0.0)
        except Exception as error:
            log.warning("outbox_not_watched", error=repr(error))
        await asyncio.sleep(WATCH_INTERVAL)
