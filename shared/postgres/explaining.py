"""Explains errors of PostgreSQL to the person who starts a process."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from shared.runtime.starting import StartError, reason_of

REFUSALS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


@contextmanager
def explain_postgres_errors(where: str) -> Iterator[None]:
    """Turn the errors of a connection into a StartError; ``where`` names the setting or files to check."""
    try:
        yield
    except REFUSALS as error:
        reason = reason_of(error).rstrip(".")
        raise StartError(f"PostgreSQL can't be used ({reason}); {where}") from error
