"""Makes the partitions of coming weeks, and deletes the traces of purged experiments portion by portion."""

import asyncio
from collections.abc import Awaitable

import structlog
from asyncpg import Pool, Record

from services.traces.store import traces
from services.traces.store.purges import SQL

log = structlog.get_logger()

INTERVAL = 5.0
"""Seconds between two looks for purged experiments."""

PORTION = 500
"""Traces that one transaction deletes."""

WEEKS_AHEAD = 4
ROUNDS_BETWEEN_PARTITIONS = 720
"""Partitions are made once an hour, weeks before they are needed. What has failed is tried again in the next round."""


async def keep_house(pool: "Pool[Record]") -> None:
    """Do both, until cancelled. Neither waits for the other's errors to end."""
    rounds_left = 0
    while True:
        rounds_left -= 1
        if rounds_left < 0 and await _succeeds(make_partitions(pool), "span_partitions_not_made"):
            rounds_left = ROUNDS_BETWEEN_PARTITIONS
        await _succeeds(purge(pool), "traces_not_purged")
        await asyncio.sleep(INTERVAL)


async def _succeeds(work: Awaitable[None], event: str) -> bool:
    try:
        await work
    except Exception:
        log.exception(event)
        return False
    return True


async def make_partitions(pool: "Pool[Record]") -> None:
    """Make the partitions of this week and of some weeks after it."""
    await pool.execute(SQL["make_partitions"].sql, WEEKS_AHEAD)


async def purge(pool: "Pool[Record]") -> None:
    """Delete the traces of all purged experiments."""
    while await purge_portion(pool):
        pass


async def purge_portion(pool: "Pool[Record]") -> bool:
    """Delete a portion of the traces of a purged experiment; False if there is no such experiment."""
    async with pool.acquire() as connection, connection.transaction():
        noted = await connection.fetchrow(SQL["next_purge"].sql)
        if noted is None:
            return False
        key = (noted["project_id"], noted["experiment_id"])
        if await traces.delete_some(connection, *key, PORTION) < PORTION:
            await connection.execute(SQL["finish_purge"].sql, *key)
        return True
