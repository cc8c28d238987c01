"""Experiments of registered models and runs of model versions: tracking's part of the registry's work.

The registry reports a deleted model or version by an early event, which is handled before the client is
answered (ADR 40). Commands and events name an experiment by the id of its model. Its name may change before
an event arrives, and another experiment may take the name.
"""

from collections.abc import Mapping
from uuid import UUID, uuid5

from services.tracking.handlers.logged_models import name_version
from services.tracking.names import gitlab_name
from services.tracking.store import experiments, model_experiments, runs
from services.tracking.store.runs import NewRun
from shared.contracts.errors import DomainError, already_exists, invalid
from shared.contracts.events import ExperimentDeleted, RunDeleted
from shared.contracts.experiments import Empty
from shared.contracts.message import DomainEvent, Message
from shared.contracts.model_experiments import (
    EXPERIMENT_PREFIX,
    EnsureModelExperiment,
    EnsureVersionRun,
    EnsureVersionRunReply,
    RenameModelExperiment,
)
from shared.contracts.registry_events import (
    ModelVersionCreated,
    ModelVersionDeleted,
    RegisteredModelDeleted,
)
from shared.handling.handlers import EventHandler, Handler
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now


async def ensure_model_experiment(cmd: EnsureModelExperiment, tx: Transaction) -> Empty:
    """Create the experiment of a model that the registry is about to create.

    Raises DomainError if an experiment has the same name, or the model's name.
    """
    # As in GitLab, no experiment may have the name of the model itself.
    same_name = await model_experiments.find_by_name(tx, cmd.name)
    if same_name is not None and not same_name.deleted:
        raise _taken(cmd.name)
    await _ensure_experiment(tx, cmd.registered_model_id, cmd.name)
    return Empty()


async def rename_model_experiment(cmd: RenameModelExperiment, tx: Transaction) -> Empty:
    """Rename the experiment of a model that is renamed. A model of MLflow's dialect may have none."""
    own = await model_experiments.of_model(tx, cmd.registered_model_id)
    if own is not None:
        await _ensure_experiment(tx, cmd.registered_model_id, cmd.new_name)
    return Empty()


async def _ensure_experiment(tx: Transaction, model_id: UUID, model_name: str) -> int:
    """Return the model's experiment. Create or rename it if needed. Raises DomainError if the name is taken."""
    name = EXPERIMENT_PREFIX + model_name
    own = await model_experiments.of_model(tx, model_id)
    if own is not None and own.name == name:
        return own.experiment_id
    owner = await model_experiments.find_by_name(tx, name)
    if owner is not None:
        if owner.registered_model_id is None:
            raise _taken(name)
        # The registry has only one model of this name, and it is not the owner. So the owner is deleted.
        await _delete_experiment(tx, owner.registered_model_id)
    if own is None:
        return await _create(tx, model_id, name)
    if not await experiments.rename(tx, own.experiment_id, name):
        raise _taken(name)
    return own.experiment_id


async def _create(tx: Transaction, model_id: UUID, name: str) -> int:
    experiment_id = await experiments.create(tx, name, None, {})
    if experiment_id is None:
        raise _taken(name)
    await model_experiments.assign(tx, experiment_id, model_id)
    return experiment_id


def _taken(name: str) -> DomainError:
    return already_exists(f"Experiment(name={name}) already exists.")


async def ensure_version_run(cmd: EnsureVersionRun, tx: Transaction) -> EnsureVersionRunReply:
    """Give a version a run: a new one, or an existing one."""
    if cmd.run_id:
        return await _promote(cmd, cmd.run_id, tx)
    # Derived from the claim, so a repeated command finds the same run.
    run_id = uuid5(cmd.claim, "run")
    artifact_uri = await runs.artifact_uri(tx, run_id)
    if artifact_uri is None:
        artifact_uri = await _create_run(cmd, run_id, tx)
    await model_experiments.claim(tx, cmd.claim, cmd.registered_model_id, run_id, created=True)
    return EnsureVersionRunReply(run_id=run_id.hex, artifact_uri=artifact_uri)


async def _create_run(cmd: EnsureVersionRun, run_id: UUID, tx: Transaction) -> str:
    experiment_id = await _ensure_experiment(tx, cmd.registered_model_id, cmd.name)
    name = gitlab_name(run_id)
    run = NewRun(
        run_id=run_id,
        experiment_id=experiment_id,
        name=name,
        user_id=tx.envelope.author,
        start_time=now(),
        tags={"mlflow.runName": name},
    )
    created = await runs.create(tx, run)
    if created is None or created[1] is None:
        message = f"The experiment of model {cmd.name} was deleted at this moment. Try again."
        raise invalid(message)
    return created[1]


async def _promote(cmd: EnsureVersionRun, run_id: str, tx: Transaction) -> EnsureVersionRunReply:
    """Give an existing run to a version. Raises DomainError in GitLab's words."""
    run = await runs.lock(tx, run_id)
    if run is None or run.deleted:
        message = "Run not found"
        raise invalid(message)
    own = await model_experiments.of_model(tx, cmd.registered_model_id)
    if cmd.has_version and own is not None and run.experiment_id == own.experiment_id:
        message = "Run has already a model version"
        raise invalid(message)
    await _ensure_experiment(tx, cmd.registered_model_id, cmd.name)
    await model_experiments.claim(
        tx, cmd.claim, cmd.registered_model_id, UUID(hex=run_id), created=False
    )
    return EnsureVersionRunReply(run_id=run_id, artifact_uri=run.artifact_uri)


async def on_version_created(event: ModelVersionCreated, tx: Transaction) -> None:
    """Confirm the claim of a new version's run, and name the version in the tag of its logged model."""
    if event.run_claim:
        await model_experiments.confirm(tx, event.run_claim)
    await name_version(event, tx)


async def on_model_deleted(event: RegisteredModelDeleted, tx: Transaction) -> None:
    """Mark the experiment of a deleted model, and its runs, deleted."""
    if event.registered_model_id is None:
        return  # From a process of the previous release, whose models have no experiments.
    await model_experiments.delete_claims(tx, event.registered_model_id)
    await _delete_experiment(tx, event.registered_model_id)


async def _delete_experiment(tx: Transaction, model_id: UUID) -> None:
    experiment_id = await model_experiments.delete(tx, model_id)
    if experiment_id is not None:
        tx.emit(ExperimentDeleted(experiment_id=str(experiment_id)))


async def on_version_deleted(event: ModelVersionDeleted, tx: Transaction) -> None:
    """Delete the run of a deleted version if it was created for the version; an existing run stays."""
    if not event.run_claim:
        return
    claimed = await model_experiments.delete_claim(tx, event.run_claim)
    if claimed is None or not claimed.created:
        return
    run_id = claimed.run_id.hex
    # Another version may have got this run, too: then it stays.
    if await runs.lock(tx, run_id) is None or await model_experiments.is_claimed(tx, run_id):
        return
    experiment_id = await runs.delete(tx, run_id)
    tx.emit(RunDeleted(run_id=run_id, experiment_id=str(experiment_id)))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    EnsureModelExperiment: ensure_model_experiment,
    RenameModelExperiment: rename_model_experiment,
    EnsureVersionRun: ensure_version_run,
}

EVENT_HANDLERS: Mapping[type[DomainEvent], EventHandler[Transaction]] = {
    ModelVersionCreated: on_version_created,
    RegisteredModelDeleted: on_model_deleted,
    ModelVersionDeleted: on_version_deleted,
}
