"""Folds quiet runs: stores what searches and readers need of them, ready to be read (ADR 63).

A run is folded in two steps, because writers must pay nothing for it. First the run is marked. From then on a writer
sees the mark, and takes it away before it writes. Writers whose transactions are older than the mark may not have
seen it, so the second step waits until those transactions have ended. If the mark is still there then, nothing was
written since, and nothing can be written unnoticed: the run is read, and its newest metrics and its document are
stored in the transaction that calls it folded.

Afterwards the long series of the run get blocks (ADR 15), so that the first chart of them is fast. That is work for
some seconds. The next runs don't wait for it.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from asyncpg import Pool, Record

from services.tracking.store import blocks, documents
from services.tracking.store.documents import SQL, RunKey
from services.tracking.store.older_transactions import at_work, have_ended
from shared.postgres.clock import database_now
from shared.postgres.deferred import Backlog

log = structlog.get_logger()

_SHIFT = 12
"""Bits of an attempt's number below its time in milliseconds. They are random, so that two attempts differ."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon and how fast runs are folded; times in seconds."""

    interval: float = 5.0
    """Between two looks for runs to fold, if there were few."""

    quiet: float = 2.0
    """How long a run must get no write after it was marked."""

    retry: float = 60.0
    """How long a run that is still at work is not marked again after a write has stopped an attempt."""

    marked: int = 5_000
    """Largest number of runs of one attempt."""

    batch: int = 50
    """Runs that one transaction folds."""

    share: float = 0.5
    """Largest share of its time that an attempt keeps the database at work."""

    parts: int = 32
    """Parts of a backlog, each with attempts of its own; a power of two."""


@dataclass(frozen=True, slots=True)
class RunsPart:
    """A part of all runs, by their ids: of ``count`` parts the one with this number."""

    number: int
    count: int


ALL_RUNS = RunsPart(0, 1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The marked runs of an attempt, and the transactions that may not have seen the marks."""

    number: int
    runs: Sequence[RunKey]
    older: frozenset[str]


async def fold_forever(pool: "Pool[Record]", pace: Pace | None = None) -> None:
    """Fold runs until cancelled."""
    pace = pace or Pace()
    work = Backlog(pool)
    try:
        while True:
            try:
                parts = await next_parts(pool, pace)
                marked = [await fold_round(pool, pace, work, part) for part in parts]
            except Exception as error:
                log.warning("folding_failed", error=repr(error))
                marked = []
            if len(marked) <= 1 or not any(marked):
                await asyncio.sleep(pace.interval)
    finally:
        await work.close()


async def next_parts(pool: "Pool[Record]", pace: Pace) -> Sequence[RunsPart]:
    """Return the parts that all runs are folded in, one after another: a single one unless there is a backlog.

    Runs that were created together lie together, and folding writes each of them twice. If all runs of a page are
    folded at once, the page has no room for that. The table and its indexes then grow by half.
    """
    if await pool.fetchval(SQL["is_backlog"].sql, pace.marked):
        return [RunsPart(number, pace.parts) for number in range(pace.parts)]
    return [ALL_RUNS]


async def fold_round(
    pool: "Pool[Record]", pace: Pace, work: Backlog | None = None, part: RunsPart = ALL_RUNS
) -> int:
    """Mark runs, wait until they can be folded, and fold those that are still marked; return how many were marked.

    The blocks of their long series are left to ``work``.
    """
    attempt = await mark(pool, pace, part)
    if attempt.runs:
        await asyncio.sleep(pace.quiet)
        await have_ended(attempt.older, pool, SQL["transactions"], pace.quiet / 4)
        loop = asyncio.get_running_loop()
        for first in range(0, len(attempt.runs), pace.batch):
            began = loop.time()
            runs = attempt.runs[first : first + pace.batch]
            await _fold_each(pool, attempt.number, runs)
            if work:
                work.add(await blocks.works_of_runs(pool, runs))
            await asyncio.sleep((loop.time() - began) * (1 / pace.share - 1))
    return len(attempt.runs)


async def mark(pool: "Pool[Record]", pace: Pace, part: RunsPart = ALL_RUNS) -> Attempt:
    """Begin an attempt: mark runs that are not folded."""
    async with pool.acquire() as connection:
        now = await database_now(connection)
        number = (now << _SHIFT) + secrets.randbelow(1 << _SHIFT)
        before = (now - int(pace.retry * 1000)) << _SHIFT
        rows = await connection.fetch(
            SQL["mark_runs"].sql, number, pace.marked, before, part.number, part.count
        )
        # The marks are committed, so a transaction that is not among these sees them.
        older = await at_work(connection, SQL["transactions"])
    return Attempt(number, [(row[0], row[1]) for row in rows], older)


async def _fold_each(pool: "Pool[Record]", number: int, runs: Sequence[RunKey]) -> None:
    """Fold runs together, or one by one if one of them can't be folded. Raises if none can."""
    try:
        await fold(pool, number, runs)
    except Exception:
        failed = []
        for run in runs:
            try:
                await fold(pool, number, [run])
            except Exception as error:
                failed.append((run, error))
        if len(failed) == len(runs):
            raise
        for (project, run_id), cause in failed:
            log.warning("run_not_folded", project=project, run_id=run_id.hex, error=repr(cause))


async def fold(pool: "Pool[Record]", number: int, runs: Sequence[RunKey]) -> None:
    """Fold those of the runs that nothing was written to since the attempt began."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(SQL["lock_marked_runs"].sql, *documents.columns(runs), number)
        if rows:
            await documents.fold(connection, [(row[0], row[1]) for row in rows])
