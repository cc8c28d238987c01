"""Aliases of model versions."""

from uuid import UUID

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.registry.sql", "model_aliases")


async def set_alias(tx: Transaction, name: str, version: int, alias: str) -> bool:
    """Point an alias to a version; False if there is no such version."""
    row = await tx.row(SQL["set_alias"], tx.project, name, version, alias)
    return row is not None


async def delete(tx: Transaction, model_id: UUID, alias: str) -> bool:
    """Remove an alias; False if there is no such alias."""
    row = await tx.row(SQL["delete_alias"], tx.project, model_id, alias)
    return row is not None


async def find(tx: Transaction, model_id: UUID, alias: str) -> int | None:
    """Return the number of the version that an alias points to."""
    version: int | None = await tx.value(SQL["find_alias"], tx.project, model_id, alias)
    return version


async def newest(tx: Transaction, model_id: UUID) -> int | None:
    """Return the highest number of a model's versions; None if it has none."""
    version: int | None = await tx.value(SQL["newest_version"], tx.project, model_id)
    return version
