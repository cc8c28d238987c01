"""Purged experiments whose traces and other rows are still to be deleted."""

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "purges")


async def note(tx: Transaction, experiment_id: int) -> None:
    """Note that what an experiment has is to be deleted."""
    await tx.execute(SQL["note_purge"], tx.project, experiment_id)
