"""Finds the kinds of things that a project has."""

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.tracking.sql", "kinds")


async def found(tx: Transaction) -> list[str]:
    """Return the kinds of which the project has at least one thing, as plural nouns."""
    return [row["kind"] for row in await tx.rows(SQL["list_kinds"], tx.project)]
