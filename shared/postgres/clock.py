"""The database's clock, which all processes of a service share."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from shared.messaging.messages import Envelope
from shared.postgres.connection import AnyConnection

Clock: TypeAlias = Callable[[], float]
"""Returns the process's time in Unix seconds."""

_MILLISECONDS = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


async def database_now(connection: AnyConnection) -> int:
    """Return the database's time in Unix milliseconds."""
    moment: int = await connection.fetchval(_MILLISECONDS)
    return moment


async def time_of_deadlines(
    connection: AnyConnection, envelopes: Sequence[Envelope], clock: Clock
) -> float:
    """Return the time for checking the deadlines of messages, in Unix seconds; ``clock`` is the process's.

    It is the process's time, but the database's time is asked before any message is refused as late.
    Otherwise a process whose clock is ahead would refuse every message. Since refusing is fast, it
    would also take most messages away from the other processes.
    """
    local_time = clock()
    if all(envelope.deadline > local_time for envelope in envelopes):
        return local_time
    return min(local_time, await database_now(connection) / 1000)
