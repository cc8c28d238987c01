"""Experiments that are a model's own, and runs that are a version's."""

from typing import NamedTuple
from uuid import UUID

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.tracking.sql", "model_experiments")


UNCONFIRMED = 3_600_000
"""Milliseconds for which a run is a version's before the registry tells that the version is there.

It tells so at once. If it never does there is no version: the registry failed after its claim. The
time is the database's: who claims and who asks may be two processes.
"""


class OwnExperiment(NamedTuple):
    """The experiment of a model."""

    experiment_id: int
    name: str


class NamedExperiment(NamedTuple):
    """The experiment that has a name; ``registered_model_id`` is the model whose own it is."""

    experiment_id: int
    registered_model_id: UUID | None
    deleted: bool


class GivenUp(NamedTuple):
    """The run that a version had; ``made`` tells that it was made for that."""

    run_id: UUID
    made: bool


async def of_model(tx: Transaction, model_id: UUID) -> OwnExperiment | None:
    """Return the experiment of a model."""
    row = await tx.fetch_row(SQL["experiment_of_model"], tx.project, model_id)
    return OwnExperiment(*row) if row else None


async def is_a_models(tx: Transaction, experiment_id: int) -> bool:
    """Tell whether an experiment is a model's own."""
    model_id = await tx.fetch_value(SQL["model_of_experiment"], tx.project, experiment_id)
    return model_id is not None


async def named(tx: Transaction, name: str) -> NamedExperiment | None:
    """Return the experiment that has a name, deleted or not."""
    row = await tx.fetch_row(SQL["named_experiment"], tx.project, name)
    return NamedExperiment(*row) if row else None


async def own(tx: Transaction, experiment_id: int, model_id: UUID) -> None:
    """Make an experiment a model's own."""
    await tx.write(SQL["own_experiment"], tx.project, experiment_id, model_id)


async def release(tx: Transaction, model_id: UUID) -> int | None:
    """Delete the experiment of a model and free its name; return its id, None if there is none."""
    row = await tx.write_row(SQL["release_experiment"], tx.project, model_id, now())
    return row["experiment_id"] if row else None


async def claim(
    tx: Transaction, claim_id: UUID, model_id: UUID, run_id: UUID, *, made: bool
) -> None:
    """Note that a version is to have a run."""
    await tx.write(SQL["claim_run"], tx.project, claim_id, model_id, run_id, made)


async def confirm(tx: Transaction, claim_id: UUID) -> None:
    """Note that a version is there, and so has its run."""
    await tx.write(SQL["confirm_run"], tx.project, claim_id)


async def is_claimed(tx: Transaction, run_id: str | UUID) -> bool:
    """Tell whether a version has the run, or is about to have it."""
    claimed: bool = await tx.fetch_value(SQL["is_claimed"], tx.project, run_id, UNCONFIRMED)
    return claimed


async def give_up(tx: Transaction, claim_id: UUID) -> GivenUp | None:
    """Forget that a version has a run, and return which."""
    row = await tx.write_row(SQL["give_up_run"], tx.project, claim_id)
    return GivenUp(*row) if row else None


async def give_up_all(tx: Transaction, model_id: UUID) -> None:
    """Forget which runs the versions of a model have."""
    await tx.write(SQL["give_up_runs"], tx.project, model_id)
