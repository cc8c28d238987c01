"""Deletes the artifacts of purged runs, logged models and experiments, and of deleted traces.

Repeating this is harmless.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from services.artifacts.handlers.context import StorageContext
from shared.contracts.errors import DomainError
from shared.contracts.events import (
    ExperimentPurged,
    LoggedModelPurged,
    Purged,
    RunPurged,
    TracesDeleted,
)
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


async def traces_deleted(event: TracesDeleted, context: StorageContext) -> None:
    """Delete the traces' directories.

    Most traces have none. So where an experiment has few, they are listed at once instead of being looked for one by one.
    """
    for parent, names in _trace_directories(event.artifact_uris, context.project).items():
        page = await context.store.page(parent)
        present = {entry.name for entry in page.entries}
        for name in names:
            key = f"{parent}/{name}"
            if name in present or (page.next_token and (await context.store.page(key)).entries):
                await context.store.delete(key)


def _trace_directories(uris: Sequence[str], project: int) -> Mapping[str, Sequence[str]]:
    """Return the names of the traces' directories by the directory that has them, in this server's storage."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for parent, name in _split(uris, project):
        # Nothing else has this place: `<experiment>/traces/<trace>/artifacts`.
        if parent.endswith("/traces"):
            found[parent].append(name)
    return found


def _split(uris: Sequence[str], project: int) -> Iterator[tuple[str, str]]:
    for uri in uris:
        try:
            parent, _, name = owner_directory(uri, project).rpartition("/")
        except DomainError:
            continue
        yield parent, name


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
    TracesDeleted: traces_deleted,
}
