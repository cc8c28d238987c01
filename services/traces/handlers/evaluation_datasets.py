"""Evaluation datasets of MLflow 3, except their records."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json

from services.traces.handlers.evaluation_frames import unknown
from services.traces.replies.evaluation_json import dataset_json
from services.traces.rules.evaluation_ids import read_dataset_id
from services.traces.rules.evaluation_records import read_user
from services.traces.store import evaluation_datasets as datasets
from services.traces.store.evaluation_datasets import Locked
from services.traces.store.search_evaluation_datasets import search_evaluation_dataset_ids
from shared.contracts import limits
from shared.contracts.errors import DomainError, invalid, missing_resource
from shared.contracts.evaluation_datasets import (
    AddDatasetToExperiments,
    CreateDataset,
    DeleteDataset,
    DeleteDatasetTag,
    GetDataset,
    GetDatasetExperimentIds,
    GetDatasetExperimentIdsReply,
    RemoveDatasetFromExperiments,
    SearchEvaluationDatasets,
    SetDatasetTags,
)
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.validation import reject_nul
from shared.handling.handlers import Handler
from shared.mlflow.search.statement import Page
from shared.mlflow.validation import check_length
from shared.postgres.transaction import Transaction

LONGEST_NAME = 255
LONGEST_KEY = 255
LONGEST_VALUE = 5000
LONGEST_EXPERIMENT_ID = 36
"""Characters in MLflow's columns."""


async def create_dataset(cmd: CreateDataset, tx: Transaction) -> bytes:
    """Create a dataset; its id is the command's."""
    check_length("name", LONGEST_NAME, cmd.name)
    tags = _tags(cmd.tags) if cmd.tags else {}
    user = read_user(tags, "tags")
    experiment_ids = list(dict.fromkeys(cmd.experiment_ids))
    for each in experiment_ids:
        check_length("experiment_ids", LONGEST_EXPERIMENT_ID, each)
    dataset_id = tx.envelope.id
    now = await datasets.create(tx, dataset_id, cmd.name, user)
    if kept := _kept(tags):
        await datasets.set_tags(tx, dataset_id, kept)
    if experiment_ids:
        await datasets.link(tx, dataset_id, experiment_ids, now)
    return await _reply(tx, dataset_id, experiment_ids)


def _tags(text: str) -> dict[str, Any]:
    """Read the JSON of tags. Raises DomainError for what is none."""
    try:
        tags = from_json(text)
    except ValueError as error:
        message = f"Malformed JSON in 'tags': {error}."
        raise invalid(message, "tags") from None
    if not isinstance(tags, dict):
        message = "'tags' must be the JSON of an object."
        raise invalid(message, "tags")
    if len(tags) > limits.ENTITIES:
        message = f"'tags' can contain at most {limits.ENTITIES} elements."
        raise invalid(message, "tags")
    reject_nul(text.encode())
    return tags


def _kept(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that are set, as MLflow stores them: ``str`` of a value that is no text."""
    kept = {key: str(value) for key, value in tags.items() if value is not None}
    for key, value in kept.items():
        check_length("key", LONGEST_KEY, key)
        check_length(f"tags.{key}", LONGEST_VALUE, value)
    return kept


async def _reply(tx: Transaction, dataset_id: UUID, experiment_ids: Sequence[str] = ()) -> bytes:
    (row,) = await datasets.read(tx, [dataset_id])
    return to_json({"dataset": dataset_json(row, experiment_ids)})


async def get_dataset(query: GetDataset, tx: Transaction) -> bytes:
    """Return a dataset."""
    dataset_id = read_dataset_id(query.dataset_id)
    rows = await datasets.read(tx, [dataset_id]) if dataset_id else []
    if not rows:
        raise dataset_not_found(query.dataset_id)
    return to_json({"dataset": dataset_json(rows[0])})


def dataset_not_found(dataset_id: str) -> DomainError:
    """Return MLflow's error for a dataset that does not exist."""
    return missing_resource(f"Evaluation dataset with id '{dataset_id}' not found")


async def delete_dataset(cmd: DeleteDataset, tx: Transaction) -> Empty:
    """Delete a dataset, if it is there."""
    if dataset_id := read_dataset_id(cmd.dataset_id):
        await datasets.delete(tx, dataset_id)
    return Empty()


async def search_evaluation_datasets(query: SearchEvaluationDatasets, tx: Transaction) -> bytes:
    """Search datasets. Where a page would be too large, it has fewer datasets than were asked for."""
    page = await _search(query, tx)
    rows = await datasets.read(tx, page.items)
    if rows and len(rows) < len(page.items):
        page = await _search(query.model_copy(update={"max_results": len(rows)}), tx)
        rows = await datasets.read(tx, page.items)
    reply: dict[str, object] = {"datasets": [dataset_json(row) for row in rows]}
    if page.next_page_token:
        reply["next_page_token"] = page.next_page_token
    return to_json(reply)


async def _search(query: SearchEvaluationDatasets, tx: Transaction) -> Page[UUID]:
    return await search_evaluation_dataset_ids(tx.connection, tx.project, query)


async def set_dataset_tags(cmd: SetDatasetTags, tx: Transaction) -> Empty:
    """Set tags. A tag that is null is removed, as MLflow's clients document it; MLflow's server leaves it as it is."""
    tags = _tags(cmd.tags)
    kept = _kept(tags)
    dataset = await _lock(tx, cmd.dataset_id)
    if dataset is None:
        message = f"Could not find evaluation dataset with ID {cmd.dataset_id}"
        raise missing_resource(message)
    await datasets.set_tags(tx, dataset.dataset_id, kept)
    await datasets.delete_tags(tx, dataset.dataset_id, list(tags.keys() - kept.keys()))
    return Empty()


async def delete_dataset_tag(cmd: DeleteDatasetTag, tx: Transaction) -> Empty:
    """Remove a tag, if it is there."""
    if dataset_id := read_dataset_id(cmd.dataset_id):
        await datasets.delete_tags(tx, dataset_id, [cmd.key])
    return Empty()


async def get_dataset_experiment_ids(
    query: GetDatasetExperimentIds, tx: Transaction
) -> GetDatasetExperimentIdsReply:
    """Return the experiments of a dataset."""
    dataset_id = read_dataset_id(query.dataset_id)
    found = await datasets.experiments(tx, dataset_id) if dataset_id else []
    return GetDatasetExperimentIdsReply(experiment_ids=found)


async def add_dataset_to_experiments(cmd: AddDatasetToExperiments, tx: Transaction) -> bytes:
    """Link a dataset to experiments. Tracking was asked about them before (``evaluation_frames.ask``)."""
    dataset = await _lock(tx, cmd.dataset_id)
    if dataset is None:
        raise unknown(cmd.dataset_id)
    wanted = list(dict.fromkeys(cmd.experiment_ids))
    await datasets.link(tx, dataset.dataset_id, wanted, dataset.now)
    await datasets.touch(tx, dataset)
    return await _reply(tx, dataset.dataset_id)


async def remove_dataset_from_experiments(
    cmd: RemoveDatasetFromExperiments, tx: Transaction
) -> bytes:
    """Remove links of a dataset to experiments."""
    dataset = await _lock(tx, cmd.dataset_id)
    if dataset is None:
        raise unknown(cmd.dataset_id)
    if await datasets.unlink(tx, dataset.dataset_id, cmd.experiment_ids):
        await datasets.touch(tx, dataset)
    return await _reply(tx, dataset.dataset_id)


async def _lock(tx: Transaction, text: str) -> Locked | None:
    dataset_id = read_dataset_id(text)
    return await datasets.lock(tx, dataset_id) if dataset_id else None


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateDataset: create_dataset,
    GetDataset: get_dataset,
    DeleteDataset: delete_dataset,
    SearchEvaluationDatasets: search_evaluation_datasets,
    SetDatasetTags: set_dataset_tags,
    DeleteDatasetTag: delete_dataset_tag,
    GetDatasetExperimentIds: get_dataset_experiment_ids,
    AddDatasetToExperiments: add_dataset_to_experiments,
    RemoveDatasetFromExperiments: remove_dataset_from_experiments,
}
