"""Inputs and outputs of runs: ``runs/log-inputs``, ``runs/outputs``, ``experiments/search-datasets``."""

from collections.abc import Mapping, Sequence

from services.tracking.store import datasets, runs
from services.tracking.store.search import parse_experiment_id
from services.tracking.validation import check_count, check_run_id
from shared.contracts import limits
from shared.contracts.datasets import (
    DatasetInput,
    LogInputs,
    LogOutputs,
    ModelInput,
    ModelOutput,
    SearchDatasets,
    SearchDatasetsReply,
)
from shared.contracts.errors import invalid
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.mlflow.validation import check_length
from shared.postgres.transaction import Transaction

MAX_NAME_LENGTH = 500
MAX_DIGEST_LENGTH = 36
MAX_SOURCE_LENGTH = 65_535
MAX_SCHEMA_LENGTH = 1_048_575
MAX_PROFILE_LENGTH = 16_777_215
MAX_TAG_KEY_LENGTH = 255
MAX_TAG_VALUE_LENGTH = 500
MAX_MODEL_ID_LENGTH = 36
MAX_EXPERIMENTS = 20
MAX_SUMMARIES = 1_000


async def log_inputs(cmd: LogInputs, tx: Transaction) -> Empty:
    """Record which datasets and logged models an active run read.

    Of two datasets with the same name and digest, the first one counts.
    """
    check_run_id(cmd.run_id)
    if sum(len(item.tags) for item in cmd.datasets) > limits.INPUTS_TAGS:
        raise invalid(f"'datasets' can have at most {limits.INPUTS_TAGS} tags together.")
    for item in cmd.datasets:
        _check_input(item)
    _check_models(cmd.models)
    run = await runs.active(tx, cmd.run_id)
    unique: dict[tuple[str, str], DatasetInput] = {}
    for item in cmd.datasets:
        unique.setdefault((item.dataset.name, item.dataset.digest), item)
    if unique:
        inputs = list(unique.values())
        await datasets.link_datasets(tx, run.experiment_id, cmd.run_id, inputs)
    if cmd.models:
        await datasets.link_model_inputs(tx, cmd.run_id, cmd.models)
    return Empty()


async def log_outputs(cmd: LogOutputs, tx: Transaction) -> Empty:
    """Record which logged models an active run produced. As in MLflow, they need not exist."""
    _check_models(cmd.models)
    await runs.active(tx, cmd.run_id)
    if cmd.models:
        await datasets.link_model_outputs(tx, cmd.run_id, cmd.models)
    return Empty()


async def search_datasets(query: SearchDatasets, tx: Transaction) -> SearchDatasetsReply:
    """Read the datasets of some experiments."""
    check_count("SearchDatasets", "experiment_id", query.experiment_ids, MAX_EXPERIMENTS)
    experiment_ids = [parse_experiment_id(text) for text in query.experiment_ids]
    found = await datasets.search(tx, experiment_ids, MAX_SUMMARIES)
    return SearchDatasetsReply(dataset_summaries=found)


def _check_input(item: DatasetInput) -> None:
    """Raise DomainError if a text is over its limit (``mlflow/utils/validation.py``)."""
    dataset = item.dataset
    check_length("name", MAX_NAME_LENGTH, dataset.name)
    check_length("digest", MAX_DIGEST_LENGTH, dataset.digest)
    check_length("source", MAX_SOURCE_LENGTH, dataset.source)
    check_length("schema", MAX_SCHEMA_LENGTH, dataset.schema_ or "")
    check_length("profile", MAX_PROFILE_LENGTH, dataset.profile or "")
    for tag in item.tags:
        check_length("key", MAX_TAG_KEY_LENGTH, tag.key)
        check_length("value", MAX_TAG_VALUE_LENGTH, tag.value)


def _check_models(models: Sequence[ModelInput | ModelOutput]) -> None:
    for index, model in enumerate(models):
        check_length(f"models[{index}].model_id", MAX_MODEL_ID_LENGTH, model.model_id)


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    LogInputs: log_inputs,
    LogOutputs: log_outputs,
    SearchDatasets: search_datasets,
}
