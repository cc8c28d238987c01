"""Makes the partitions of coming weeks, and deletes portion by portion.

What it deletes is what purged experiments have, the records of deleted evaluation datasets, the items of deleted review
queues, and traces that have expired.
"""

import asyncio
import time
from collections.abc import Awaitable

import asyncpg
import structlog
from asyncpg import Pool, Record

from services.traces.expiry import SECONDS, expire
from services.traces.store import (
    deletion,
    evaluation_dataset_records,
    evaluation_datasets,
    issues,
    review_purges,
)
from services.traces.store.purges import SQL
from shared.contracts.errors import DomainError
from shared.messaging.calls import Bus
from shared.mlflow.trace_retention import Retention

log = structlog.get_logger()

INTERVAL = 5.0
"""Seconds between two looks for what is to be deleted."""

PORTION = deletion.PORTION
"""Rows of a kind that one transaction deletes, such as links or records, as of traces."""

WEEKS_AHEAD = 4
ROUNDS_BETWEEN_PARTITIONS = 720
"""Partitions are made once an hour, weeks before they are needed. What has failed is tried again in the next round."""

ROUNDS_BETWEEN_EXPIRIES = 12
"""Expired traces are looked for once a minute."""


async def keep_house(retention: Retention, pool: "Pool[Record]", bus: Bus | None) -> None:
    """Do all of it, until cancelled. Each goes on if another one fails."""
    until_partitions = until_expiry = 0
    while True:
        if until_partitions <= 0 and await _succeeds(make_partitions(pool), "span_partitions"):
            until_partitions = ROUNDS_BETWEEN_PARTITIONS
        await _succeeds(purge(pool), "purge_of_traces")
        await _succeeds(purge_datasets(pool), "purge_of_evaluation_datasets")
        await _succeeds(purge_queues(pool), "purge_of_review_queues")
        if until_expiry <= 0:
            began = time.monotonic()
            await _succeeds(expire(retention, pool, bus), "expiry_of_traces")
            if time.monotonic() - began < SECONDS:
                until_expiry = ROUNDS_BETWEEN_EXPIRIES
        until_partitions -= 1
        until_expiry -= 1
        await asyncio.sleep(INTERVAL)


async def _succeeds(work: Awaitable[None], what: str) -> bool:
    try:
        await work
    except (asyncpg.LockNotAvailableError, DomainError) as error:
        # Spans are read for long, or tracking does not answer. The next round tries again.
        log.info("traces_housekeeping_waits", work=what, error=repr(error))
        return False
    except Exception:
        log.exception("traces_housekeeping_failed", work=what)
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
        deleted = await deletion.delete_some(connection, *key)
        unlinked = await evaluation_datasets.unlink_purged(connection, *key, PORTION)
        others = await review_purges.delete_some(connection, *key, PORTION)
        found = await issues.delete_some(connection, *key, PORTION)
        if max(deleted, unlinked, others, found) < PORTION:
            await connection.execute(SQL["finish_purge"].sql, *key)
        return True


async def purge_queues(pool: "Pool[Record]") -> None:
    """Delete the items of all deleted review queues."""
    while await review_purges.delete_items(pool, PORTION):
        pass


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
