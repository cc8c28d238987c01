"""Makes the partitions of coming weeks, and deletes the traces of purged experiments portion by portion."""

import asyncio

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
"""Partitions are made once an hour; they are made weeks before they are needed."""


async def keep_house(pool: "Pool[Record]") -> None:
    """Do both, until cancelled."""
    rounds = 0
    while True:
        try:
            if rounds % ROUNDS_BETWEEN_PARTITIONS == 0:
                await pool.execute(SQL["make_partitions"].sql, WEEKS_AHEAD)
            rounds += 1
            while await purge_portion(pool):
                pass
        except Exception:
            log.exception("traces_housekeeping_failed")
        await asyncio.sleep(INTERVAL)


async def purge_portion(pool: "Pool[Record]") -> bool:
    """Delete a portion of the traces of a purged experiment; False if there is no such experiment."""
    async with pool.acquire() as connection, connection.transaction():
        purge = await connection.fetchrow(SQL["next_purge"].sql)
        if purge is None:
            return False
        key = (purge["project_id"], purge["experiment_id"])
        if await traces.delete_some(connection, *key, PORTION) < PORTION:
            await connection.execute(SQL["finish_purge"].sql, *key)
        return True
