"""Makes the partitions of coming weeks, and deletes portion by portion.

What it deletes are the traces and links of purged experiments, and the records of deleted evaluation datasets.
"""

import asyncio
from collections.abc import Awaitable

import structlog
from asyncpg import Pool, Record

from services.traces.store import evaluation_dataset_records, evaluation_datasets, traces
from services.traces.store.purges import SQL

log = structlog.get_logger()

INTERVAL = 5.0
"""Seconds between two looks for what is to be deleted."""

PORTION = 500
"""Traces, links or records that one transaction deletes."""

WEEKS_AHEAD = 4
ROUNDS_BETWEEN_PARTITIONS = 720
"""Partitions are made once an hour, weeks before they are needed. What has failed is tried again in the next round."""


async def keep_house(pool: "Pool[Record]") -> None:
    """Do all of it, until cancelled. Nothing waits for the others' errors to end."""
    rounds_left = 0
    while True:
        rounds_left -= 1
        if rounds_left < 0 and await _succeeds(make_partitions(pool), "span_partitions_not_made"):
            rounds_left = ROUNDS_BETWEEN_PARTITIONS
        await _succeeds(purge(pool), "traces_not_purged")
        await _succeeds(purge_datasets(pool), "evaluation_datasets_not_purged")
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
    """Delete what belongs to purged experiments."""
    while await purge_portion(pool):
        pass


async def purge_portion(pool: "Pool[Record]") -> bool:
    """Delete a portion of what belongs to a purged experiment; False if there is no such experiment."""
    async with pool.acquire() as connection, connection.transaction():
        noted = await connection.fetchrow(SQL["next_purge"].sql)
        if noted is None:
            return False
        key = (noted["project_id"], noted["experiment_id"])
        deleted = await traces.delete_some(connection, *key, PORTION)
        unlinked = await evaluation_datasets.unlink_purged(connection, *key, PORTION)
        if max(deleted, unlinked) < PORTION:
            await connection.execute(SQL["finish_purge"].sql, *key)
        return True


async def purge_datasets(pool: "Pool[Record]") -> None:
    """Delete the records of all deleted evaluation datasets."""
    while await purge_records(pool):
        pass


async def purge_records(pool: "Pool[Record]") -> bool:
    """Delete a portion of the records of a deleted evaluation dataset; False if there is no such dataset."""
    queries = evaluation_datasets.SQL
    async with pool.acquire() as connection, connection.transaction():
        noted = await connection.fetchrow(queries["next_dataset_purge"].sql)
        if noted is None:
            return False
        key = (noted["project_id"], noted["dataset_id"])
        if await evaluation_dataset_records.delete_some(connection, *key, PORTION) < PORTION:
            await connection.execute(queries["finish_dataset_purge"].sql, *key)
        return True
