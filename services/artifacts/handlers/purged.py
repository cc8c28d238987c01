"""Deletes the artifacts of purged runs, logged models and experiments. Repeating this is harmless."""

from collections.abc import Mapping

from services.artifacts.handlers.context import StorageContext
from shared.contracts.errors import DomainError
from shared.contracts.events import ExperimentPurged, LoggedModelPurged, Purged, RunPurged
from shared.contracts.message import DomainEvent
from shared.handling.handlers import EventHandler
from shared.mlflow.artifact_paths import owner_directory


async def run_purged(event: RunPurged, context: StorageContext) -> None:
    """Delete the run's directory."""
    await _delete(event, event.run_id, context)


async def logged_model_purged(event: LoggedModelPurged, context: StorageContext) -> None:
    """Delete the logged model's directory."""
    await _delete(event, event.model_id, context)


async def experiment_purged(event: ExperimentPurged, context: StorageContext) -> None:
    """Delete the experiment's directory, if it has one of its own."""
    await _delete(event, event.experiment_id, context)


async def _delete(event: Purged, owner: str, context: StorageContext) -> None:
    """Delete the owner's directory. Any directory that does not have the owner's id as its name remains."""
    if event.artifact_uri is None:
        return
    try:
        key = owner_directory(event.artifact_uri, context.project)
    except DomainError:
        return
    if key.rpartition("/")[2] == owner and key != str(context.project):
        await context.store.delete(key, event.kept)


EVENT_HANDLERS: Mapping[type[DomainEvent], EventHandler[StorageContext]] = {
    RunPurged: run_purged,
    LoggedModelPurged: logged_model_purged,
    ExperimentPurged: experiment_purged,
}
