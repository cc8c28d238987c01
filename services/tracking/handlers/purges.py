"""Purges of deleted entities (``warren gc``), portion by portion.

A run, logged model or experiment first becomes invisible: its own row is deleted, and a note of it is
kept. From then on it can't be restored, so no client sees that some of its rows are missing. The same
transaction emits the event by which the artifacts are deleted.
"""

from collections.abc import Mapping, Sequence

from services.tracking.artifact_uris import kept_within
from services.tracking.store import purges
from services.tracking.store.purges import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MAX_ROWS,
    RUNS,
    PurgedEntity,
    PurgeTarget,
    Selection,
)
from services.tracking.store.search import parse_experiment_id
from services.tracking.validation import is_run_id
from shared.contracts.errors import DomainError, invalid
from shared.contracts.events import ExperimentPurged, LoggedModelPurged, RunPurged
from shared.contracts.message import Message
from shared.contracts.purges import (
    FindOwners,
    FindOwnersReply,
    GetPurgePlan,
    ListProjectsWithData,
    ProjectIds,
    PurgeDeleted,
    PurgeDeletedReply,
    PurgePlan,
    PurgeScope,
)
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now


async def get_purge_plan(query: GetPurgePlan, tx: Transaction) -> PurgePlan:
    """Count the entities in a scope.

    As ``mlflow gc`` does, raises DomainError for a named entity that is not deleted, or not long enough
    ago. A named entity that does not exist is reported as missing: an earlier purge, which was
    interrupted, may have finished with it.
    """
    selection = _selection(query)
    missing: list[str] = []
    for target, named in (
        (RUNS, query.run_ids),
        (LOGGED_MODELS, query.logged_model_ids),
        (EXPERIMENTS, query.experiment_ids),
    ):
        times = await purges.deletion_times(tx, target, selection.ids(target) or [])
        name = target.name.replace("_", " ").capitalize()
        for each in named:
            if each not in times:
                missing.append(each)
            elif fault := _fault(name, each, times[each], selection.deleted_before):
                raise fault
    found = await purges.plan(tx, selection)
    return PurgePlan(**dict(found or {}), missing=missing)


def _fault(name: str, each: str, time: int | None, deleted_before: int) -> DomainError | None:
    if time is None:
        return invalid(
            f"{name} {each} is not in `deleted` lifecycle stage. Only {name.lower()}s in "
            "`deleted` lifecycle stage can be deleted."
        )
    if time > deleted_before:
        return invalid(f"{name} {each} is not older than the required age.")
    return None


def _selection(scope: PurgeScope) -> Selection:
    """Return the selection of a scope, without ids that no run can have."""
    everything = not (scope.run_ids or scope.logged_model_ids or scope.experiment_ids)
    experiments = [parse_experiment_id(each) for each in scope.experiment_ids]
    return Selection(
        deleted_before=now() - scope.older_than,
        runs=None if everything else [each for each in scope.run_ids if is_run_id(each)],
        logged_models=None if everything else scope.logged_model_ids,
        experiments=None if everything else [str(each) for each in experiments],
    )


async def purge_deleted(
    cmd: PurgeDeleted, tx: Transaction, max_rows: int = MAX_ROWS
) -> PurgeDeletedReply:
    """Do the next portion. Entities that are invisible already come first."""
    return (
        await _continue(tx, RUNS, max_rows)
        or await _continue(tx, LOGGED_MODELS, max_rows)
        or await _continue_experiments(tx, max_rows)
        or await _start(tx, _selection(cmd))
    )


async def _continue(
    tx: Transaction, target: PurgeTarget, max_rows: int
) -> PurgeDeletedReply | None:
    """Delete rows of invisible entities; None if there are none of this type."""
    ids = await purges.unfinished(tx, target)
    return await _delete_rows(tx, target, ids, max_rows) if ids else None


async def _delete_rows(
    tx: Transaction, target: PurgeTarget, ids: Sequence[str], max_rows: int
) -> PurgeDeletedReply:
    rows = await purges.delete_rows(tx, target, ids, max_rows)
    # Each command deletes a limited number of rows. Only one that finds none shows that none are left.
    if rows == 0:
        await purges.complete(tx, target, ids)
    return PurgeDeletedReply(rows=rows)


async def _continue_experiments(tx: Transaction, max_rows: int) -> PurgeDeletedReply | None:
    """Purge the runs and logged models in invisible experiments, then delete rows of the experiments."""
    ids = await purges.unfinished(tx, EXPERIMENTS)
    if not ids:
        return None
    runs = await purges.purge_contents(tx, RUNS, ids)
    models = await purges.purge_contents(tx, LOGGED_MODELS, ids)
    await _emit_purged(tx, runs, models)
    if runs or models:
        return PurgeDeletedReply(runs=len(runs), logged_models=len(models))
    return await _delete_rows(tx, EXPERIMENTS, ids, max_rows)


async def _start(tx: Transaction, selection: Selection) -> PurgeDeletedReply:
    """Make some entities of the selection invisible. If there are none, the purge is finished."""
    runs = await purges.purge_deleted(tx, RUNS, selection)
    models = await purges.purge_deleted(tx, LOGGED_MODELS, selection)
    experiments = await purges.purge_deleted(tx, EXPERIMENTS, selection)
    await _emit_purged(tx, runs, models, experiments)
    return PurgeDeletedReply(
        runs=len(runs),
        logged_models=len(models),
        experiments=len(experiments),
        finished=not (runs or models or experiments),
    )


def _own_directory(tx: Transaction, experiment: PurgedEntity) -> str | None:
    """Return where an experiment keeps artifacts; None if a client chose the place, as others may share it."""
    own = f"mlflow-artifacts:/{tx.project}/{experiment.id}"
    return own if experiment.artifact_uri == own else None


async def _emit_purged(
    tx: Transaction,
    runs: Sequence[PurgedEntity],
    models: Sequence[PurgedEntity],
    experiments: Sequence[PurgedEntity] = (),
) -> None:
    """Emit the events by which artifacts are deleted.

    ``kept`` are the directories inside that a client chose for an experiment: they stay.
    """
    if not (runs or models or experiments):
        return
    chosen = await purges.chosen_directories(tx)
    for each in experiments:
        uri = _own_directory(tx, each)
        tx.emit(
            ExperimentPurged(
                experiment_id=each.experiment_id,
                artifact_uri=uri,
                kept=kept_within(uri, chosen, tx.project) if uri else [],
            )
        )
    for each in runs:
        tx.emit(
            RunPurged(
                run_id=each.id,
                experiment_id=each.experiment_id,
                artifact_uri=each.artifact_uri,
                kept=kept_within(each.artifact_uri, chosen, tx.project),
            )
        )
    for each in models:
        tx.emit(
            LoggedModelPurged(
                model_id=each.id,
                experiment_id=each.experiment_id,
                artifact_uri=each.artifact_uri,
                kept=kept_within(each.artifact_uri, chosen, tx.project),
            )
        )


async def list_projects_with_data(_query: ListProjectsWithData, tx: Transaction) -> ProjectIds:
    """List every project."""
    return ProjectIds(projects=await purges.projects(tx))


async def find_owners(query: FindOwners, tx: Transaction) -> FindOwnersReply:
    """Return which of the ids exist, so that ``warren gc --sweep`` deletes only artifacts without an owner."""
    return FindOwnersReply(
        ids=await purges.owners(tx, query.ids), chosen=await purges.chosen_directories(tx)
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    FindOwners: find_owners,
    ListProjectsWithData: list_projects_with_data,
    GetPurgePlan: get_purge_plan,
    PurgeDeleted: purge_deleted,
}
