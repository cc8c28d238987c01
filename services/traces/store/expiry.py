"""Finds what has expired, and drops the weeks of spans whose traces are gone."""

from collections.abc import Sequence
from datetime import date

from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries

SQL = load_queries("services.traces.sql", "expiry")


async def try_lock(connection: AnyConnection) -> bool:
    """Be the one process that looks for expired traces, until the transaction ends; False if another one is."""
    return bool(await connection.fetchval(SQL["try_lock"].sql))


async def projects(connection: AnyConnection) -> list[int]:
    """Return the projects that have traces."""
    return [row["project_id"] for row in await connection.fetch(SQL["projects_with_traces"].sql)]


async def oldest(connection: AnyConnection, project: int) -> dict[int, float]:
    """Return the milliseconds since the oldest trace of each experiment arrived."""
    rows = await connection.fetch(SQL["oldest_arrivals"].sql, project)
    return {row["experiment_id"]: row["age"] for row in rows}


async def count(connection: AnyConnection, project: int, experiment_id: int, kept: int) -> int:
    """Return how many traces of an experiment arrived ``kept`` milliseconds ago or earlier."""
    number: int = await connection.fetchval(
        SQL["count_expired"].sql, project, experiment_id, float(kept)
    )
    return number


async def weeks_before(connection: AnyConnection, age: int) -> Sequence[date]:
    """Return the weeks with a partition that were over ``age`` milliseconds ago."""
    return [row["week"] for row in await connection.fetch(SQL["span_weeks"].sql, float(age))]


async def drop_week(connection: AnyConnection, week: date) -> bool:
    """Drop the partition of a week that is over; False if traces of the week are left.

    Raises asyncpg.LockNotAvailableError if spans are being read for long.
    """
    if await connection.fetchval(SQL["has_traces"].sql, week):
        return False
    async with connection.transaction():
        await connection.execute(SQL["patience"].sql)
        partition = {"partition": f"spans_{week:%Y%m%d}"}
        await connection.execute(SQL["drop_partition"].fill(partition).sql)
    return True
