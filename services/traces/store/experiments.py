"""Tracking's answers about experiments, each kept for a minute."""

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "experiments")


async def find(tx: Transaction, experiment_id: int) -> str | None:
    """Return the artifact location of an active experiment; None if tracking must be asked."""
    location: str | None = await tx.value(SQL["find_experiment"], tx.project, experiment_id)
    return location


async def remember(tx: Transaction, experiment_id: int, artifact_location: str) -> None:
    """Store what tracking has said about an active experiment."""
    await tx.row(SQL["remember_experiment"], tx.project, experiment_id, artifact_location)


async def forget(tx: Transaction, experiment_id: int) -> None:
    """Ask tracking again, the next time."""
    await tx.execute(SQL["forget_experiment"], tx.project, experiment_id)
