"""The errors of PostgreSQL and its driver, by what the executors do about them."""

import asyncpg

from shared.contracts.errors import ErrorCode
from shared.messaging.messages import Answer

DATABASE_UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # The driver raises it for a server that is killed while a connection is opened.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""The database is unavailable. The same work may succeed later."""

TRANSACTION_CONFLICTS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Two transactions were in conflict. The same work may succeed at once."""

MAX_ATTEMPTS = 3
"""Tries of the same work after a conflict."""

DATABASE_FULL = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)
"""The database has no room for the work, and has undone it. It is unknown when there will be room."""

DATABASE_IS_FULL = Answer(b"The database is full; retry later.", ErrorCode.TEMPORARILY_UNAVAILABLE)
"""The answer to commands and queries that the database has no room for."""
