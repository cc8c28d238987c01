"""The records of evaluation datasets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from services.traces.rules.evaluation_records import Merged, Stored
from services.traces.store.evaluation_datasets import Locked
from shared.contracts import limits
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "evaluation_dataset_records")


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a record in the order of reading. A page begins after one."""

    created_time: int
    record_id: UUID


START = Position(-1, UUID(int=0))
"""Every record comes after this."""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Some records; ``last`` is the position of the last one, if others follow."""

    rows: Sequence[Record]
    last: Position | None


async def sizes(tx: Transaction, dataset: Locked, hashes: Sequence[bytes]) -> dict[bytes, int]:
    """Return the characters of those records that exist, by the hash of their inputs."""
    key = (tx.project, dataset.dataset_id)
    rows = await tx.rows(SQL["measure_records"], *key, list(hashes))
    return {row["input_hash"]: row["size"] for row in rows}


async def read_merged(
    tx: Transaction, dataset: Locked, hashes: Sequence[bytes]
) -> dict[bytes, Stored]:
    """Return what a merge can change of records that exist."""
    key = (tx.project, dataset.dataset_id)
    rows = await tx.rows(SQL["read_merged_records"], *key, list(hashes))
    return {
        row["input_hash"]: Stored(
            row["outputs"], row["expectations"], row["tags"], row["last_updated_by"]
        )
        for row in rows
    }


async def upsert(
    tx: Transaction, dataset: Locked, records: Sequence[Merged], new_ids: Iterator[UUID]
) -> None:
    """Store records. Those that do not exist take the next ids."""
    rows = [_row(record, next(new_ids)) for record in records]
    columns = [list(column) for column in zip(*rows, strict=True)]
    key = (tx.project, dataset.dataset_id, dataset.now)
    await tx.execute(SQL["upsert_records"], *key, *columns)


def _row(record: Merged, record_id: UUID) -> tuple[object, ...]:
    source = record.source
    return (
        record_id,
        record.input_hash,
        record.size,
        record.created_by,
        record.last_updated_by,
        source and source.id,
        source and source.type,
        record.inputs,
        record.outputs,
        record.expectations,
        record.tags,
        source and source.text,
    )


async def page(tx: Transaction, dataset_id: UUID, after: Position, most: int) -> RecordPage:
    """Return the records after a position, of about ``limits.RECORDS_JSON`` characters."""
    rows = await tx.rows(
        SQL["list_records"],
        tx.project,
        dataset_id,
        after.created_time,
        after.record_id,
        most,
        limits.RECORDS_JSON,
    )
    if not rows or rows[-1]["following"] == len(rows):
        return RecordPage(rows, None)
    last = rows[-1]
    return RecordPage(rows, Position(last["created_time"], last["dataset_record_id"]))


async def delete(tx: Transaction, dataset: Locked, record_ids: Sequence[UUID]) -> int:
    """Delete records, and return how many of them there were."""
    key = (tx.project, dataset.dataset_id)
    deleted: int | None = await tx.value(SQL["delete_records"], *key, list(record_ids))
    return deleted or 0


async def delete_some(connection: AnyConnection, project: int, dataset_id: UUID, most: int) -> int:
    """Delete any records of a deleted dataset, and return their number."""
    deleted: int = await connection.fetchval(
        SQL["delete_some_records"].sql, project, dataset_id, most
    )
    return deleted
