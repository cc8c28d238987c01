"""The records of evaluation datasets: merging, reading page by page, deleting.

A merge costs what it brings, however many records a dataset has: the digest is made of the name and the time, the
profile is a count, and the schema only gets fields.
"""

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from uuid import UUID

from services.traces.handlers.evaluation_datasets import dataset_not_found
from services.traces.replies.evaluation_json import records_json
from services.traces.rules.evaluation_ids import new_record_id, read_dataset_id, read_record_ids
from services.traces.rules.evaluation_records import Given, merge, read_records
from services.traces.rules.evaluation_schema import extended
from services.traces.store import evaluation_dataset_records as records
from services.traces.store import evaluation_datasets as datasets
from services.traces.store.evaluation_dataset_records import START, Position
from shared.contracts import limits
from shared.contracts.errors import invalid
from shared.contracts.evaluation_datasets import (
    DeleteDatasetRecords,
    DeleteDatasetRecordsReply,
    GetDatasetRecords,
    UpsertDatasetRecords,
    UpsertDatasetRecordsReply,
)
from shared.contracts.message import INT64_MAX, Message
from shared.handling.handlers import Handler
from shared.mlflow.search.max_results import check_max_results
from shared.postgres.transaction import Transaction


async def upsert_dataset_records(
    cmd: UpsertDatasetRecords, tx: Transaction
) -> UpsertDatasetRecordsReply:
    """Merge records into a dataset. Of records with the same inputs the first one is stored, and gets the others."""
    given = read_records(cmd.records)
    dataset_id = read_dataset_id(cmd.dataset_id)
    dataset = await datasets.lock(tx, dataset_id) if dataset_id else None
    if dataset is None:
        raise dataset_not_found(cmd.dataset_id)
    grouped: defaultdict[bytes, list[Given]] = defaultdict(list)
    for each in given:
        grouped[each.input_hash].append(each)
    sizes = await records.sizes(tx, dataset, list(grouped))
    new_ids = (new_record_id(tx.envelope.id, number) for number in count())
    for hashes in _portions(list(grouped), sizes):
        stored = await records.read_merged(tx, dataset, [each for each in hashes if each in sizes])
        merged = [merge(stored.get(each), grouped[each]) for each in hashes]
        await records.upsert(tx, dataset, merged, new_ids)
    inserted = len(grouped) - len(sizes)
    # As in MLflow: none if the request names no user.
    user = next((each.user for each in reversed(given) if each.user), None)
    schema = extended(dataset.schema, given)
    await datasets.note_merge(tx, dataset, user, schema, inserted)
    return UpsertDatasetRecordsReply(inserted_count=inserted, updated_count=len(given) - inserted)


def _portions(hashes: Sequence[bytes], sizes: Mapping[bytes, int]) -> Iterator[list[bytes]]:
    """Yield records in portions, so that few stored ones are in memory at the same time."""
    portion: list[bytes] = []
    size = 0
    for each in hashes:
        size += sizes.get(each, 0)
        if portion and size > limits.RECORD_JSON:
            yield portion
            portion, size = [], sizes.get(each, 0)
        portion.append(each)
    if portion:
        yield portion


async def get_dataset_records(query: GetDatasetRecords, tx: Transaction) -> bytes:
    """Return a page of records."""
    # As in MLflow's handler, 0 means the default.
    most = check_max_results(query.max_results or None, limits.DATASET_RECORDS, INT64_MAX)
    after = _read_token(query.page_token) if query.page_token else START
    dataset_id = read_dataset_id(query.dataset_id)
    if dataset_id is None:
        return records_json(query.dataset_id, [], None)
    page = await records.page(tx, dataset_id, after, min(most, limits.DATASET_RECORDS))
    token = _write_token(page.last) if page.last else None
    return records_json(query.dataset_id, page.rows, token)


def _write_token(position: Position) -> str:
    """Return the token of the page after a position, in MLflow's form."""
    text = f"{position.created_time}:{position.record_id.hex}"
    return base64.b64encode(text.encode()).decode()


def _read_token(token: str) -> Position:
    """Return the position of a token. Raises DomainError for one that was not made here."""
    try:
        time, _, record_id = base64.b64decode(token, validate=True).decode().partition(":")
        position = Position(int(time), UUID(hex=record_id))
    except (binascii.Error, ValueError):
        position = None
    if position is None or not 0 <= position.created_time <= INT64_MAX:
        message = "Invalid page token of records."
        raise invalid(message, "page_token")
    return position


async def delete_dataset_records(
    cmd: DeleteDatasetRecords, tx: Transaction
) -> DeleteDatasetRecordsReply:
    """Delete records that are there."""
    dataset_id = read_dataset_id(cmd.dataset_id)
    dataset = await datasets.lock(tx, dataset_id) if dataset_id else None
    deleted = 0
    if dataset:
        deleted = await records.delete(tx, dataset, read_record_ids(cmd.dataset_record_ids))
        if deleted:
            await datasets.note_deletion(tx, dataset, deleted)
    return DeleteDatasetRecordsReply(deleted_count=deleted)


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    UpsertDatasetRecords: upsert_dataset_records,
    GetDatasetRecords: get_dataset_records,
    DeleteDatasetRecords: delete_dataset_records,
}
