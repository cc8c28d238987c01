"""Tracking's answers about experiments, each kept for a minute; and which experiments are purged."""

from collections.abc import Collection

from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "experiments")

Key = tuple[int, int]
"""Project and experiment."""


async def known(connection: AnyConnection, keys: Collection[Key]) -> dict[Key, bool]:
    """Return those of some experiments that tracking need not be asked about, and whether they are purged."""
    rows = await connection.fetch(SQL["known_experiments"].sql, *_columns(keys))
    return {(row["project_id"], row["experiment_id"]): row["purged"] for row in rows}


async def remember(connection: AnyConnection, key: Key, artifact_location: str) -> None:
    """Store what tracking has said about an active experiment. A purged one stays purged."""
    await connection.execute(SQL["remember_experiment"].sql, *key, artifact_location)


async def lock(connection: AnyConnection, keys: Collection[Key]) -> set[Key]:
    """Return those of some experiments that take traces. They are not purged before this transaction ends."""
    rows = await connection.fetch(SQL["lock_experiments"].sql, *_columns(keys))
    return {(row["project_id"], row["experiment_id"]) for row in rows}


async def locate(tx: Transaction, experiment_id: int) -> str | None:
    """Return the artifact location of an experiment; None if it is unknown or purged."""
    location: str | None = await tx.value(SQL["locate_experiment"], tx.project, experiment_id)
    return location


async def forget(tx: Transaction, experiment_id: int) -> None:
    """Ask tracking again, the next time."""
    await tx.execute(SQL["forget_experiment"], tx.project, experiment_id)


async def close(tx: Transaction, experiment_id: int) -> None:
    """Note that an experiment is purged, after the transactions that put traces into it. It takes none any more."""
    key = (tx.project, experiment_id)
    await tx.execute(SQL["ensure_experiment"], *key)
    await tx.row(SQL["lock_experiment"], *key)
    await tx.execute(SQL["close_experiment"], *key)


def _columns(keys: Collection[Key]) -> list[list[int]]:
    return [[project for project, _ in keys], [experiment for _, experiment in keys]]
