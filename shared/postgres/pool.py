"""Opens the connections of a service, and its pool of them."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg

from shared.postgres.connection import AnyConnection
from shared.runtime import metrics

PLANNER = {
    # Compiling a statement takes longer than any of Warren's statements runs.
    "jit": "off",
    # Every table has an index that begins with the project. PostgreSQL prefers a full scan only while
    # a table is small, and a cached plan would keep that scan while the table grows.
    "enable_seqscan": "off",
    # Planning takes longer than most statements run, and the values do not change the plan: rows are
    # found by primary keys. So each connection plans a statement once, and again after an ANALYZE.
    "plan_cache_mode": "force_generic_plan",
}
"""Settings of PostgreSQL's planner on every connection."""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How the connections of a service are opened. ``query_logger`` is called after each statement."""

    schema: str
    application_name: str
    query_logger: Callable[[Any], None] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The settings of PostgreSQL on each connection."""
        return {
            "search_path": self.schema,
            "application_name": self.application_name,
            **PLANNER,
        }

    def connector(self, dsn: str, seconds: float) -> Callable[[], Awaitable[AnyConnection]]:
        """Return a function that opens a single connection, in so many seconds at most."""
        return partial(asyncpg.connect, dsn, timeout=seconds, server_settings=self.settings)


async def _no_reset(_connection: AnyConnection) -> None:
    """Replace asyncpg's reset of a connection that returns to the pool."""


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
    """Open a pool whose connections use one schema. Close it with ``await pool.close()``.

    ``query_logger`` is called after each statement.
    """
    options = ConnectionOptions(schema, application_name, query_logger)
    pool = await _open(dsn, options, min_size=1, max_size=size)
    _measure(pool, schema)
    return pool


async def open_lazily(
    dsn: str, options: ConnectionOptions, size: int, seconds: float
) -> "asyncpg.Pool[asyncpg.Record]":
    """Return a pool without connections: the server need not be there. Opening one takes ``seconds`` at most."""
    return await _open(dsn, options, min_size=0, max_size=size, timeout=seconds)


async def _open(
    dsn: str, options: ConnectionOptions, **arguments: Any
) -> "asyncpg.Pool[asyncpg.Record]":
    return await asyncpg.create_pool(
        dsn,
        # Idle connections stay open: they cost memory only, and a new one would delay a frame.
        max_inactive_connection_lifetime=0,
        # asyncpg's own reset is a round trip after each use. Nothing here outlives its transaction: no
        # session lock, no cursor, no LISTEN, no SET.
        reset=_no_reset,
        init=_watched_by(options.query_logger),
        server_settings=options.settings,
        **arguments,
    )


def _measure(pool: "asyncpg.Pool[asyncpg.Record]", service: str) -> None:
    idle, used = (metrics.POOL_CONNECTIONS.labels(service, state) for state in ("idle", "used"))
    idle.set_function(pool.get_idle_size)
    used.set_function(lambda: pool.get_size() - pool.get_idle_size())
    metrics.POOL_LIMIT.labels(service).set(pool.get_max_size())
