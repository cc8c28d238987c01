"""Experiments that belong to a registered model, and runs that belong to a model version.

A claim records that a version has a run. The registry claims the run before it creates the version, and its
event confirms the claim afterwards (ADR 40).
"""

from typing import NamedTuple
from uuid import UUID

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.tracking.sql", "model_experiments")


CLAIM_LIFETIME_MS = 3_600_000
"""The time for which a claim counts without the registry's event that the version was created.

The event comes at once. If it never comes there is no version: the registry failed after its claim.
The database's clock counts, because different processes may write and read a claim.
"""


class OwnExperiment(NamedTuple):
    """The experiment that belongs to a model."""

    experiment_id: int
    name: str


class NamedExperiment(NamedTuple):
    """An experiment, found by name; ``registered_model_id`` is the model that it belongs to."""

    experiment_id: int
    registered_model_id: UUID | None
    deleted: bool


class ClaimedRun(NamedTuple):
    """The run that a version had; ``created`` is true if it was created for the version."""

    run_id: UUID
    created: bool


async def of_model(tx: Transaction, model_id: UUID) -> OwnExperiment | None:
    """Return the experiment that belongs to a model."""
    row = await tx.row(SQL["experiment_of_model"], tx.project, model_id)
    return OwnExperiment(*row) if row else None


async def is_a_models(tx: Transaction, experiment_id: int) -> bool:
    """Tell whether an experiment belongs to a model."""
    model_id = await tx.value(SQL["model_of_experiment"], tx.project, experiment_id)
    return model_id is not None


async def find_by_name(tx: Transaction, name: str) -> NamedExperiment | None:
    """Return the experiment with a name, deleted or not."""
    row = await tx.row(SQL["experiment_by_name"], tx.project, name)
    return NamedExperiment(*row) if row else None


async def assign(tx: Transaction, experiment_id: int, model_id: UUID) -> None:
    """Assign an experiment to a model."""
    await tx.execute(SQL["assign_experiment"], tx.project, experiment_id, model_id)


async def delete(tx: Transaction, model_id: UUID) -> int | None:
    """Mark the experiment of a model deleted and free its name; return its id, None if there is none."""
    row = await tx.row(SQL["delete_experiment_of_model"], tx.project, model_id, now())
    return row["experiment_id"] if row else None


async def claim(
    tx: Transaction, claim_id: UUID, model_id: UUID, run_id: UUID, *, created: bool
) -> None:
    """Record that a version, which is not created yet, has a run."""
    await tx.execute(SQL["claim_run"], tx.project, claim_id, model_id, run_id, created)


async def confirm(tx: Transaction, claim_id: UUID) -> None:
    """Record that the version of a claim is created."""
    await tx.execute(SQL["confirm_run"], tx.project, claim_id)


async def is_claimed(tx: Transaction, run_id: str | UUID) -> bool:
    """Tell whether the run belongs to a version, or to one that is being created."""
    claimed: bool = await tx.value(SQL["is_claimed"], tx.project, run_id, CLAIM_LIFETIME_MS)
    return claimed


async def delete_claim(tx: Transaction, claim_id: UUID) -> ClaimedRun | None:
    """Remove the claim of a version and return its run; None if there is no claim."""
    row = await tx.row(SQL["delete_claim"], tx.project, claim_id)
    return ClaimedRun(*row) if row else None


async def delete_claims(tx: Transaction, model_id: UUID) -> None:
    """Remove the claims of all versions of a model."""
    await tx.execute(SQL["delete_claims"], tx.project, model_id)
