"""Refuses to start behind a connection pooler, such as PgBouncer, that drops settings or shares sessions."""

from contextlib import suppress

import asyncpg

from shared.postgres.connection import AnyConnection
from shared.postgres.pool import ConnectionOptions
from shared.runtime.starting import StartError


class PoolerError(StartError):
    """A pooler drops the settings of connections, or lets connections share a session."""


async def refuse_pooler(dsn: str, options: ConnectionOptions) -> None:
    """Raise PoolerError unless connections have their settings, and each has a session of its own.

    Without their settings, tables would be made and looked for in another schema. Prepared statements and locks
    belong to a session. Raises asyncpg's errors and OSError.
    """
    try:
        first = await _connect(dsn, options)
    except asyncpg.ProtocolViolationError as error:
        # PgBouncer: unsupported startup parameter.
        raise _refusal(f"it says: {error}") from error
    try:
        second = await _connect(dsn, options)
        try:
            await _check(first, second, options)
        finally:
            second.terminate()
    finally:
        first.terminate()


async def _connect(dsn: str, options: ConnectionOptions) -> AnyConnection:
    connection: AnyConnection = await asyncpg.connect(dsn, server_settings=options.settings)
    return connection


async def _check(first: AnyConnection, second: AnyConnection, options: ConnectionOptions) -> None:
    for name, wanted in options.settings.items():
        # A pooler may add to the name of the application.
        if (
            name != "application_name"
            and await first.fetchval("SELECT current_setting($1)", name) != wanted
        ):
            raise _refusal(f"it drops a connection's settings ({name})")
    if await _share_a_session(first, second):
        raise _refusal("it gives a connection another session for each transaction")


async def _share_a_session(first: AnyConnection, second: AnyConnection) -> bool:
    """Tell whether a transaction of one connection runs in the session that was just the other's."""
    pid = await first.fetchval("SELECT pg_backend_pid()")
    async with second.transaction():
        if await second.fetchval("SELECT pg_backend_pid()") == pid:
            return True
        # If the pooler had another session free, the first connection may be in another one now.
        with suppress(asyncpg.InvalidSQLStatementNameError):
            return bool(await first.fetchval("SELECT pg_backend_pid()") != pid)
        return True


def _refusal(reason: str) -> PoolerError:
    return PoolerError(
        "a connection pooler such as PgBouncer is in front of PostgreSQL, in a mode that Warren can't use "
        f"({reason}); Warren pools its connections itself, so give it PostgreSQL's own address"
    )
