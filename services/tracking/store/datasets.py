"""Datasets, and the inputs and outputs of runs."""

from collections.abc import Sequence
from uuid import uuid5

from pydantic_core import to_json

from shared.contracts.datasets import (
    DatasetInput,
    DatasetSummary,
    ModelInput,
    ModelOutput,
)
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.tracking.sql", "datasets")


async def link_datasets(
    tx: Transaction, experiment_id: int, run_id: str, inputs: Sequence[DatasetInput]
) -> None:
    """Record that a run read datasets. Datasets that the experiment does not have are inserted.

    The inputs differ in name or digest. The run keeps their order. The rows are written in the order
    of names and digests, so that two transactions never wait for each other.
    """
    placed = sorted(
        enumerate(inputs, start=1), key=lambda item: (item[1].dataset.name, item[1].dataset.digest)
    )
    inputs = [item for _, item in placed]
    datasets = [item.dataset for item in inputs]
    names = [dataset.name for dataset in datasets]
    digests = [dataset.digest for dataset in datasets]
    await tx.execute(
        SQL["insert_datasets"],
        tx.project,
        experiment_id,
        # Derived from the command's id: a repeated command gives a dataset the same id.
        [uuid5(tx.envelope.id, f"{d.name}\n{d.digest}") for d in datasets],
        names,
        digests,
        [dataset.source_type for dataset in datasets],
        [dataset.source for dataset in datasets],
        [dataset.schema_ for dataset in datasets],
        [dataset.profile for dataset in datasets],
    )
    await tx.execute(
        SQL["link_datasets"],
        tx.project,
        experiment_id,
        run_id,
        names,
        digests,
        [to_json(item.tags).decode() for item in inputs],
        [place for place, _ in placed],
    )


async def link_model_inputs(tx: Transaction, run_id: str, models: Sequence[ModelInput]) -> None:
    """Record that a run read logged models."""
    model_ids = [model.model_id for model in models]
    await tx.execute(SQL["link_model_inputs"], tx.project, run_id, model_ids)


async def link_model_outputs(tx: Transaction, run_id: str, models: Sequence[ModelOutput]) -> None:
    """Record that a run produced logged models."""
    model_ids = [model.model_id for model in models]
    steps = [model.step for model in models]
    await tx.execute(SQL["link_model_outputs"], tx.project, run_id, model_ids, steps)


async def search(
    tx: Transaction, experiment_ids: Sequence[int], limit: int
) -> list[DatasetSummary]:
    """Return the datasets that runs of the experiments read."""
    rows = await tx.rows(SQL["search_datasets"], tx.project, experiment_ids, limit)
    return [
        DatasetSummary(
            experiment_id=str(row["experiment_id"]),
            name=row["name"],
            digest=row["digest"],
            context=row["context"],
        )
        for row in rows
    ]
