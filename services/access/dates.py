"""Days of UTC: GitLab lets tokens and memberships end with a date, at the start of that day."""

from datetime import UTC, date, datetime, time


def today() -> date:
    """Return the date."""
    return datetime.now(UTC).date()


def milliseconds(day: date) -> int:
    """Return the start of a day in Unix milliseconds."""
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)
