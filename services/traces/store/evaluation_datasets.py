"""Evaluation datasets: their rows, tags and links to experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from shared.contracts import limits
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "evaluation_datasets")


@dataclass(frozen=True, slots=True)
class Locked:
    """A dataset that is locked until the end of the transaction. ``now`` is the time of its next update."""

    dataset_id: UUID
    schema: str | None
    now: int


async def create(tx: Transaction, dataset_id: UUID, name: str, user: str | None) -> int:
    """Create a dataset without tags and links, and return its time."""
    created: int = await tx.value(SQL["create_dataset"], tx.project, dataset_id, name, user)
    return created


async def read(tx: Transaction, dataset_ids: Sequence[UUID]) -> list[Record]:
    """Return datasets in the order of the ids, of about ``limits.RECORDS_JSON`` characters; at least one."""
    ids = list(dataset_ids)
    return await tx.rows(SQL["read_datasets"], tx.project, ids, limits.RECORDS_JSON)


async def exists(tx: Transaction, dataset_id: UUID) -> bool:
    """Tell whether there is a dataset."""
    return await tx.row(SQL["find_dataset"], tx.project, dataset_id) is not None


async def lock(tx: Transaction, dataset_id: UUID) -> Locked | None:
    """Lock a dataset: changes of one follow one another. None: there is no such dataset."""
    row = await tx.row(SQL["lock_dataset"], tx.project, dataset_id)
    return Locked(dataset_id, row["schema"], row["now"]) if row else None


async def lock_all(connection: AnyConnection, keys: Sequence[tuple[int, UUID]]) -> None:
    """Lock those of some datasets that exist, in the order of their projects and ids."""
    projects, ids = zip(*keys, strict=True)
    await connection.execute(SQL["lock_datasets"].sql, projects, ids)


async def note_merge(
    tx: Transaction, dataset: Locked, user: str | None, schema: str | None, inserted: int
) -> None:
    """Store what a merge of records has changed of their dataset."""
    await tx.execute(
        SQL["note_merge"], tx.project, dataset.dataset_id, dataset.now, user, schema, inserted
    )


async def note_deletion(tx: Transaction, dataset: Locked, deleted: int) -> None:
    """Store how many records of a dataset were deleted."""
    await tx.execute(SQL["note_deletion"], tx.project, dataset.dataset_id, deleted)


async def delete(tx: Transaction, dataset_id: UUID) -> None:
    """Delete a dataset with its tags and links. Its records, which are not found any more, are deleted later."""
    if await tx.row(SQL["delete_dataset"], tx.project, dataset_id) is not None:
        await tx.execute(SQL["delete_rest_of_dataset"], tx.project, dataset_id)


async def set_tags(tx: Transaction, dataset_id: UUID, tags: Mapping[str, str]) -> None:
    """Set or overwrite tags."""
    await tx.execute(
        SQL["set_tags"], tx.project, dataset_id, list(tags.keys()), list(tags.values())
    )


async def delete_tags(tx: Transaction, dataset_id: UUID, keys: Sequence[str]) -> None:
    """Remove tags that are there."""
    await tx.row(SQL["delete_tags"], tx.project, dataset_id, list(keys))


async def experiments(tx: Transaction, dataset_id: UUID) -> list[str]:
    """Return the experiments of a dataset."""
    rows = await tx.rows(SQL["list_experiments"], tx.project, dataset_id)
    return [row["experiment_id"] for row in rows]


async def linked(tx: Transaction, dataset_id: UUID, experiment_ids: Sequence[str]) -> set[str]:
    """Return those of some experiments that a dataset is linked to."""
    rows = await tx.rows(SQL["linked_experiments"], tx.project, dataset_id, list(experiment_ids))
    return {row["experiment_id"] for row in rows}


async def link(tx: Transaction, dataset_id: UUID, experiment_ids: Sequence[str], now: int) -> None:
    """Link a dataset to experiments."""
    await tx.execute(SQL["link_experiments"], tx.project, dataset_id, list(experiment_ids), now)


async def unlink(tx: Transaction, dataset_id: UUID, experiment_ids: Sequence[str]) -> bool:
    """Remove links; False if there were none."""
    ids = list(experiment_ids)
    return await tx.row(SQL["unlink_experiments"], tx.project, dataset_id, ids) is not None


async def touch(tx: Transaction, dataset: Locked) -> None:
    """Note that a dataset was updated, but not its records."""
    await tx.execute(SQL["touch_dataset"], tx.project, dataset.dataset_id, dataset.now)


async def unlink_purged(
    connection: AnyConnection, project: int, experiment_id: int, most: int
) -> int:
    """Remove links to a purged experiment, and return their number."""
    text = str(experiment_id)
    rows = await connection.fetch(SQL["unlink_purged_experiment"].sql, project, text, most)
    return len(rows)
