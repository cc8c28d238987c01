"""Finds the types of entities that a project has."""

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.tracking.sql", "entity_types")


async def present(tx: Transaction) -> list[str]:
    """Return the types of which the project has at least one entity, as plural nouns."""
    return [row["entity_type"] for row in await tx.rows(SQL["list_entity_types"], tx.project)]
