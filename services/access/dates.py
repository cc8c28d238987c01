"""Dates in UTC. As in GitLab, tokens and memberships expire at the start of their expiry date.

The current date comes from the database. A process whose clock is behind would otherwise accept expired tokens.
"""

from datetime import UTC, date, datetime, time

from shared.postgres.clock import database_now
from shared.postgres.transaction import Transaction


async def current_date(tx: Transaction) -> date:
    """Return the current date of the database's clock."""
    return date_of(await database_now(tx.connection))


def date_of(unix_ms: int) -> date:
    """Return the date of a time in Unix milliseconds."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).date()


def milliseconds(day: date) -> int:
    """Return the start of a day in Unix milliseconds."""
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)
