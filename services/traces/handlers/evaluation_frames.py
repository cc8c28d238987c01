"""What a frame does before its commands about evaluation datasets, by the rules of ADR 79.

It asks tracking about experiments that datasets are to be linked to, and locks the datasets that it changes in one order.
"""

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import Any

from services.traces.rules.evaluation_ids import read_dataset_id
from services.traces.store import evaluation_datasets as datasets
from shared.contracts.errors import DomainError, ErrorCode, missing_resource
from shared.contracts.evaluation_datasets import (
    AddDatasetToExperiments,
    DeleteDataset,
    DeleteDatasetRecords,
    DeleteDatasetTag,
    RemoveDatasetFromExperiments,
    SetDatasetTags,
    UpsertDatasetRecords,
)
from shared.contracts.experiments import GetExperiment
from shared.contracts.message import INT64_MAX, Message
from shared.postgres.connection import AnyConnection
from shared.postgres.handlers import BatchItem
from shared.postgres.transaction import Transaction

CHANGES: Collection[type[Message]] = {
    AddDatasetToExperiments,
    DeleteDataset,
    DeleteDatasetRecords,
    DeleteDatasetTag,
    RemoveDatasetFromExperiments,
    SetDatasetTags,
    UpsertDatasetRecords,
}
"""Every command that changes a dataset which exists: the one of its ``dataset_id``."""

_EXPERIMENT_ID = re.compile(r"0|[1-9][0-9]{0,18}")


async def ask(calls: Mapping[int, tuple[Any, Transaction]]) -> dict[int, DomainError]:
    """Ask tracking about experiments to link to. Return the commands that are refused, by their index in the frame."""
    refused: dict[int, DomainError] = {}
    for index, (command, tx) in calls.items():
        if isinstance(command, AddDatasetToExperiments):
            error = await _refusal(command, tx)
            if error is not None:
                refused[index] = error
    return refused


async def _refusal(command: AddDatasetToExperiments, tx: Transaction) -> DomainError | None:
    """Return why a dataset can't be linked to experiments. As in MLflow, they must exist, but may be deleted."""
    dataset_id = read_dataset_id(command.dataset_id)
    if dataset_id is None or not await datasets.exists(tx, dataset_id):
        return unknown(command.dataset_id)
    linked = await datasets.linked(tx, dataset_id, command.experiment_ids)
    unlinked = dict.fromkeys(each for each in command.experiment_ids if each not in linked)
    errors = await asyncio.gather(*(_missing(tx, each) for each in unlinked))
    return next((error for error in errors if error is not None), None)


def unknown(dataset_id: str) -> DomainError:
    """Return MLflow's error for a dataset whose links are to be changed, and that does not exist."""
    return missing_resource(f"Dataset '{dataset_id}' not found")


async def _missing(tx: Transaction, experiment_id: str) -> DomainError | None:
    missing = missing_resource(f"No Experiment with id={experiment_id}")
    # Any other text of the same number would be a link by which the dataset is not found.
    if not _EXPERIMENT_ID.fullmatch(experiment_id) or int(experiment_id) > INT64_MAX:
        return missing
    try:
        await tx.query(GetExperiment(experiment_id=experiment_id))
    except DomainError as error:
        return missing if error.code is ErrorCode.RESOURCE_DOES_NOT_EXIST else error
    return None


async def lock(items: Mapping[int, BatchItem[Any]], connection: AnyConnection) -> None:
    """Lock the datasets that a frame changes, in the order of project and id."""
    changed = [
        (item.envelope.project, read_dataset_id(item.message.dataset_id))
        for item in items.values()
        if type(item.message) in CHANGES
    ]
    keys = sorted({(project, each) for project, each in changed if each is not None})
    if len(keys) > 1:
        await datasets.lock_all(connection, keys)
