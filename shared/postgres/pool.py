"""The asyncpg pool of a service."""

from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg

from shared.postgres.connection import AnyConnection
from shared.runtime import metrics

PLANNER = {
    # Compiling a statement takes longer than any statement of ours runs.
    "jit": "off",
    # Every table is reached by an index that begins with the project. A plan that scans a whole
    # table is only ever made while the table is small, and then kept while it grows.
    "enable_seqscan": "off",
    # Planning takes longer than most statements run, and the values decide nothing: all are found by
    # primary keys. So each statement is planned once for each connection, and after an ANALYZE.
    "plan_cache_mode": "force_generic_plan",
}
"""Settings of the planner on every connection."""


async def _leave_as_it_is(_connection: AnyConnection) -> None:
    """Reset nothing."""


def _watched_by(
    logger: Callable[[Any], None] | None,
) -> Callable[[AnyConnection], Coroutine[Any, Any, None]] | None:
    if logger is None:
        return None

    async def watch(connection: AnyConnection) -> None:
        connection.add_query_logger(logger)

    return watch


async def open_pool(
    dsn: str,
    *,
    schema: str,
    size: int,
    application_name: str,
    query_logger: Callable[[Any], None] | None = None,
) -> "asyncpg.Pool[asyncpg.Record]":
    """Open a pool whose connections see one schema; close it with ``await pool.close()``.

    ``query_logger`` is told of each statement that has ended.
    """
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        # Frames wait for a connection anyway; an idle one costs nothing but memory.
        max_inactive_connection_lifetime=0,
        # The usual reset is a round trip after each use. Nothing of ours outlives its transaction:
        # no session lock, no cursor, no LISTEN, no SET.
        reset=_leave_as_it_is,
        init=_watched_by(query_logger),
        server_settings={
            "search_path": schema,
            "application_name": application_name,
            **PLANNER,
        },
    )
    _measure(pool, schema)
    return pool


def _measure(pool: "asyncpg.Pool[asyncpg.Record]", service: str) -> None:
    idle, used = (metrics.POOL_CONNECTIONS.labels(service, state) for state in ("idle", "used"))
    idle.set_function(pool.get_idle_size)
    used.set_function(lambda: pool.get_size() - pool.get_idle_size())
    metrics.POOL_LIMIT.labels(service).set(pool.get_max_size())
