"""Days of UTC: GitLab lets tokens and memberships end with a date, at the start of that day.

Which day it is the database says: a process whose clock is behind must not honour what has ended.
"""

from datetime import UTC, date, datetime, time

from shared.postgres.clock import database_now
from shared.postgres.transaction import Transaction


async def today(tx: Transaction) -> date:
    """Return the date."""
    return day_of(await database_now(tx.connection))


def day_of(moment: int) -> date:
    """Return the date of a time in Unix milliseconds."""
    return datetime.fromtimestamp(moment / 1000, UTC).date()


def milliseconds(day: date) -> int:
    """Return the start of a day in Unix milliseconds."""
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)
