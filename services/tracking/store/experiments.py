"""Experiments and their tags."""

from collections.abc import Mapping, Sequence

from asyncpg import UniqueViolationError

from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.tracking.sql", "experiments")


async def ensure(connection: AnyConnection, projects: set[int]) -> None:
    """Give each project its counter and its Default experiment ``0``."""
    await connection.execute(SQL["ensure_projects"].sql, sorted(projects), now())


async def create(
    tx: Transaction, name: str, location: str | None, tags: Mapping[str, str]
) -> int | None:
    """Insert an experiment and return its id, or None if the name is taken."""
    keys, values = list(tags), list(tags.values())
    row = await tx.row(SQL["create_experiment"], tx.project, name, location, now(), keys, values)
    return row["experiment_id"] if row else None


async def find_named(tx: Transaction, name: str) -> tuple[int, bool] | None:
    """Return the id of the experiment with a name, and whether it is deleted; None if there is none."""
    row = await tx.row(SQL["experiment_named"], tx.project, name)
    return (row["experiment_id"], row["deleted"]) if row else None


async def is_deleted(tx: Transaction, experiment_id: int) -> bool | None:
    """Tell whether an experiment is deleted; None if it does not exist."""
    deleted: bool | None = await tx.value(SQL["experiment_state"], tx.project, experiment_id)
    return deleted


async def location(tx: Transaction, experiment_id: int) -> tuple[str, bool] | None:
    """Return the artifact location, and whether the experiment is deleted; None if it does not exist."""
    row = await tx.row(SQL["experiment_location"], tx.project, experiment_id)
    return (row["artifact_location"], row["deleted"]) if row else None


async def rename(tx: Transaction, experiment_id: int, name: str) -> bool:
    """Rename an active experiment; False if another one has just taken the name."""
    try:
        await tx.execute(SQL["rename_experiment"], tx.project, experiment_id, name, now())
    except UniqueViolationError:
        # PostgreSQL accepts no further statement in this transaction, so the caller must raise.
        return False
    return True


async def delete(tx: Transaction, experiment_id: int) -> bool:
    """Mark an active experiment and its runs deleted; False if there is no such active experiment."""
    row = await tx.row(SQL["delete_experiment"], tx.project, experiment_id, now())
    return row is not None


async def restore(tx: Transaction, experiment_id: int) -> bool:
    """Mark a deleted experiment and its runs active; False if there is no such deleted experiment."""
    row = await tx.row(SQL["restore_experiment"], tx.project, experiment_id, now())
    return row is not None


async def set_tag(tx: Transaction, experiment_id: int, key: str, value: str) -> None:
    """Set or overwrite a tag."""
    await tx.execute(SQL["set_experiment_tag"], tx.project, experiment_id, key, value)


async def delete_tag(tx: Transaction, experiment_id: int, key: str) -> bool:
    """Remove a tag; False if there is no such tag."""
    row = await tx.row(SQL["delete_experiment_tag"], tx.project, experiment_id, key)
    return row is not None


async def tag_values(tx: Transaction, experiment_ids: Sequence[int], key: str) -> dict[str, str]:
    """Return the values of a tag by experiment, of those that have it."""
    rows = await tx.rows(SQL["experiment_tag"], tx.project, experiment_ids, key)
    return {str(row["experiment_id"]): row["value"] for row in rows}


async def read(tx: Transaction, experiment_ids: Sequence[int]) -> bytes:
    """Return whole experiments as JSON objects, comma-separated, in the order of the ids."""
    text: bytes = await tx.value(SQL["read_experiments"], tx.project, experiment_ids)
    return text
