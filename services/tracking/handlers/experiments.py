"""Experiments: MLflow's ``experiments/*``."""

from collections.abc import Mapping

from services.tracking.artifact_uris import check_location
from services.tracking.store import experiments, model_experiments
from services.tracking.store.search import parse_experiment_id
from services.tracking.store.search_experiments import search_experiment_ids
from services.tracking.validation import (
    check_artifact_location,
    check_experiment_name,
    check_experiment_tag,
)
from shared.contracts.errors import (
    DomainError,
    ErrorCode,
    already_exists,
    invalid,
    missing_resource,
)
from shared.contracts.events import ExperimentDeleted, ExperimentRestored
from shared.contracts.experiments import (
    CreateExperiment,
    CreateExperimentReply,
    DeleteExperiment,
    DeleteExperimentTag,
    Empty,
    ExperimentTagValues,
    GetExperiment,
    GetExperimentByName,
    GetExperimentTag,
    RestoreExperiment,
    SearchExperiments,
    SetExperimentTag,
    UpdateExperiment,
)
from shared.contracts.message import Message
from shared.contracts.validation import missing_value
from shared.handling.handlers import Handler
from shared.mlflow.pages import page_json
from shared.postgres.transaction import Transaction


async def create_experiment(cmd: CreateExperiment, tx: Transaction) -> CreateExperimentReply:
    """Create an experiment with the project's next id."""
    check_experiment_name(cmd.name)
    if cmd.artifact_location:
        check_artifact_location(cmd.artifact_location)
        check_location(cmd.artifact_location, tx.project)
    tags = {tag.key: tag.value for tag in cmd.tags}
    for key, value in tags.items():
        check_experiment_tag(key, value)
    created = await experiments.create(tx, cmd.name, cmd.artifact_location or None, tags)
    if created is None:
        raise await _name_taken(tx, cmd.name)
    return CreateExperimentReply(experiment_id=str(created))


async def get_experiment(query: GetExperiment, tx: Transaction) -> bytes:
    """Read one experiment, deleted or not."""
    experiment_id = parse_experiment_id(query.experiment_id)
    return _one(await experiments.read(tx, [experiment_id]), query.experiment_id)


async def get_experiment_by_name(query: GetExperimentByName, tx: Transaction) -> bytes:
    """Read one experiment by name, deleted or not."""
    found = await experiments.find_named(tx, query.experiment_name)
    if found is None:
        message = f"Could not find experiment with name '{query.experiment_name}'"
        raise missing_resource(message)
    return _one(await experiments.read(tx, [found[0]]), str(found[0]))


async def get_experiment_tag(query: GetExperimentTag, tx: Transaction) -> ExperimentTagValues:
    """Read one tag of some experiments."""
    ids = [parse_experiment_id(each) for each in query.experiment_ids]
    return ExperimentTagValues(values=await experiments.tag_values(tx, ids, query.key))


async def search_experiments(query: SearchExperiments, tx: Transaction) -> bytes:
    """Read a page of experiments."""
    page = await search_experiment_ids(tx.connection, tx.project, query)
    found = await experiments.read(tx, page.items) if page.items else b""
    return page_json("experiments", found, page.next_page_token)


async def update_experiment(cmd: UpdateExperiment, tx: Transaction) -> Empty:
    """Rename an active experiment."""
    if not cmd.new_name:
        raise missing_value("new_name")
    check_experiment_name(cmd.new_name)
    experiment_id = parse_experiment_id(cmd.experiment_id)
    deleted = await experiments.is_deleted(tx, experiment_id)
    if deleted is None:
        raise not_found(cmd.experiment_id)
    if deleted:
        message = "Cannot rename a non-active experiment."
        raise DomainError(ErrorCode.INVALID_STATE, message)
    await _check_no_models(tx, experiment_id, "rename")
    owner = await experiments.find_named(tx, cmd.new_name)
    if owner is not None and owner[0] != experiment_id:
        raise await _name_taken(tx, cmd.new_name)
    if not await experiments.rename(tx, experiment_id, cmd.new_name):
        raise already_exists(f"Experiment(name={cmd.new_name}) already exists.")
    return Empty()


async def delete_experiment(cmd: DeleteExperiment, tx: Transaction) -> Empty:
    """Mark an active experiment and its runs deleted."""
    experiment_id = parse_experiment_id(cmd.experiment_id)
    await _check_no_models(tx, experiment_id, "delete")
    if not await experiments.delete(tx, experiment_id):
        raise not_found(cmd.experiment_id)
    tx.emit(ExperimentDeleted(experiment_id=str(experiment_id)))
    return Empty()


async def restore_experiment(cmd: RestoreExperiment, tx: Transaction) -> Empty:
    """Mark a deleted experiment and its runs active."""
    experiment_id = parse_experiment_id(cmd.experiment_id)
    if not await experiments.restore(tx, experiment_id):
        raise not_found(cmd.experiment_id)
    tx.emit(ExperimentRestored(experiment_id=str(experiment_id)))
    return Empty()


async def set_experiment_tag(cmd: SetExperimentTag, tx: Transaction) -> Empty:
    """Set or overwrite a tag of an active experiment."""
    check_experiment_tag(cmd.key, cmd.value)
    experiment_id = await _active(tx, cmd.experiment_id)
    await experiments.set_tag(tx, experiment_id, cmd.key, cmd.value)
    return Empty()


async def delete_experiment_tag(cmd: DeleteExperimentTag, tx: Transaction) -> Empty:
    """Remove a tag of an active experiment."""
    experiment_id = await _active(tx, cmd.experiment_id)
    if not await experiments.delete_tag(tx, experiment_id, cmd.key):
        message = f"No tag with name: {cmd.key} in experiment with id {cmd.experiment_id}"
        raise missing_resource(message)
    return Empty()


async def _active(tx: Transaction, experiment_id: str) -> int:
    """Return the id of an active experiment. Raises DomainError."""
    number = parse_experiment_id(experiment_id)
    deleted = await experiments.is_deleted(tx, number)
    if deleted is None:
        raise not_found(experiment_id)
    if deleted:
        raise not_active(number)
    return number


async def _check_no_models(tx: Transaction, experiment_id: int, what: str) -> None:
    """Raise DomainError, in GitLab's words, if an experiment belongs to a model."""
    if await model_experiments.is_a_models(tx, experiment_id):
        raise invalid(f"Cannot {what} an experiment associated to a model")


async def _name_taken(tx: Transaction, name: str) -> DomainError:
    """Return the error for a taken name. If the owner is deleted, it says what to do."""
    owner = await experiments.find_named(tx, name)
    if owner is not None and owner[1]:
        return already_exists(
            f"Experiment(name={name}) already exists in deleted state. You can restore the "
            f"experiment (its id is {owner[0]}) or choose another name."
        )
    return already_exists(f"Experiment(name={name}) already exists.")


def _one(experiment: bytes, experiment_id: str) -> bytes:
    if not experiment:
        raise not_found(experiment_id)
    return b'{"experiment":%b}' % experiment


def not_found(experiment_id: str) -> DomainError:
    """Return MLflow's error for an experiment that does not exist.

    ``experiment_id`` is the client's text, which ``parse_experiment_id`` has accepted. MLflow names the
    number in it, even one that no experiment can have.
    """
    return missing_resource(f"No Experiment with id={int(experiment_id)} exists")


def not_active(experiment_id: int) -> DomainError:
    """Return MLflow's error for a write to a deleted experiment."""
    return invalid(
        f"The experiment {experiment_id} must be in the 'active' state. Current state is deleted."
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateExperiment: create_experiment,
    GetExperiment: get_experiment,
    GetExperimentByName: get_experiment_by_name,
    GetExperimentTag: get_experiment_tag,
    SearchExperiments: search_experiments,
    UpdateExperiment: update_experiment,
    DeleteExperiment: delete_experiment,
    RestoreExperiment: restore_experiment,
    SetExperimentTag: set_experiment_tag,
    DeleteExperimentTag: delete_experiment_tag,
}
