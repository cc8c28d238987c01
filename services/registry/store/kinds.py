"""Which tables have rows of a project."""

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.registry.sql", "kinds")


async def found(tx: Transaction) -> list[str]:
    """Return the kinds of things, in the plural."""
    return [row["kind"] for row in await tx.fetch(SQL["list_kinds"], tx.project)]
