"""Blocks of long series: the places of their points, so that a part of a series is read without the rest (ADR 15).

A block stands for ``BLOCK`` neighbours in the index of points. Writers do not wait while blocks are made. A writer
that logs a point within a block moves the settled moment of the series back, in its own statement
(``append_metrics``). Blocks that end after that moment are not read any more.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from asyncpg import Pool, Record

from services.tracking.store.older_transactions import at_work, have_ended
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import DeferredWork

SQL = load_queries("services.tracking.sql", "blocks")

BLOCK = 128
"""Points of a block. It is a number in the SQL, too."""

LIVE_POINTS = 4 * BLOCK
"""The newest points of a series that get no block yet: points near them may still arrive out of order."""

WORTH_BLOCKS = 64 * BLOCK
"""A series with so many points without a block gets further blocks when it is read, or when its run is folded."""

PORTION = 400 * BLOCK
"""Points that become blocks in one transaction. A writer of an old point waits for it, about 0.1 s."""

WRITERS_SECONDS = 10.0
"""How long to wait for the writers that were at work when the settled moment moved."""

WRITERS_PAUSE = 0.02
"""Seconds between two looks for them."""


def work_of(project: int, run_id: UUID, key: str) -> tuple[str, DeferredWork]:
    """Return the name and the work of making the blocks of a series."""
    work = partial(make_blocks, project=project, run_id=run_id, key=key)
    return f"blocks {project} {run_id.hex} {key}", work


async def works_of_runs(
    pool: "Pool[Record]", runs: Sequence[tuple[int, UUID]], worth: int = WORTH_BLOCKS
) -> dict[str, DeferredWork]:
    """Return the work of making blocks of those series of runs that are worth it, by name."""
    projects, run_ids = [project for project, _ in runs], [run_id for _, run_id in runs]
    rows = await pool.fetch(SQL["long_series"].sql, projects, run_ids, worth)
    return dict(work_of(*row) for row in rows)


async def make_blocks(
    pool: "Pool[Record]",
    project: int,
    run_id: object,
    key: str,
    writers_seconds: float = WRITERS_SECONDS,
) -> int:
    """Make blocks of all points of a series but the newest; return how many were made.

    None are made if another process makes blocks of the series, or if a writer holds its transaction open for
    ``writers_seconds``.
    """
    async with pool.acquire() as connection:
        round_ = await _settle(connection, project, run_id, key)
        if round_ is None or not await _writers_gone(connection, writers_seconds):
            return 0
        total = 0
        while made := await _append(connection, round_, project, run_id, key):
            total += made
        return total


async def _settle(connection: AnyConnection, project: int, run_id: object, key: str) -> int | None:
    """Move the settled moment forward; return the number of the round, or None if there is nothing to do."""
    async with connection.transaction():
        series = await connection.fetchrow(SQL["lock_series"].sql, project, run_id, key)
        if series is None:
            return None
        await _delete_false(connection, project, series)
        round_: int | None = await connection.fetchval(
            SQL["settle"].sql, project, run_id, key, LIVE_POINTS
        )
        return round_


async def _writers_gone(connection: AnyConnection, seconds: float) -> bool:
    """Wait until the writers that may not know of the settled moment have ended."""
    statement = SQL["writers"]
    writers = await at_work(connection, statement)
    return await have_ended(writers, connection, statement, WRITERS_PAUSE, seconds)


async def _append(
    connection: AnyConnection, round_: int, project: int, run_id: object, key: str
) -> int:
    """Make the blocks of a portion of points; return how many were made."""
    async with connection.transaction():
        series = await connection.fetchrow(SQL["lock_series"].sql, project, run_id, key)
        # In a later round the moment is further forward, and this process has not waited for the writers
        # that do not know of it.
        if series is None or series["settled_round"] != round_:
            return 0
        await _delete_false(connection, project, series)
        moment = (series["settled_step"], series["settled_timestamp"])
        made: int = await connection.fetchval(
            SQL["append_blocks"].sql, project, series["series_id"], *moment, PORTION
        )
        return made


async def _delete_false(connection: AnyConnection, project: int, series: Record) -> None:
    """Delete blocks of a locked series that a writer has made false. Otherwise a later moment would make them true."""
    moment = (series["settled_step"], series["settled_timestamp"])
    await connection.execute(SQL["delete_false_blocks"].sql, project, series["series_id"], *moment)
