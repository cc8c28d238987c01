"""What other services have purged leaves no artifacts behind. Twice is harmless."""

from collections.abc import Mapping

from services.artifacts.handlers.context import StorageContext
from shared.contracts.errors import DomainError
from shared.contracts.events import ExperimentPurged, LoggedModelPurged, Purged, RunPurged
from shared.contracts.message import DomainEvent
from shared.handling.handlers import EventHandler
from shared.mlflow.artifact_paths import owner_directory


async def run_purged(event: RunPurged, context: StorageContext) -> None:
    """Delete the directory that has the run's id."""
    await _delete(event, event.run_id, context)


async def logged_model_purged(event: LoggedModelPurged, context: StorageContext) -> None:
    """Delete the directory that has the model's id."""
    await _delete(event, event.model_id, context)


async def experiment_purged(event: ExperimentPurged, context: StorageContext) -> None:
    """Delete the directory that has the experiment's id, if it has one to itself."""
    await _delete(event, event.experiment_id, context)


async def _delete(event: Purged, owner: str, context: StorageContext) -> None:
    """Delete the directory below which an owner's artifacts lie; elsewhere is not ours to delete."""
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
