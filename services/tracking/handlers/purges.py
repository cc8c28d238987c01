"""Purges of deleted entities (``warren gc``), portion by portion.

A run, logged model or experiment first becomes invisible: its own row is deleted, and a note of it is
kept. From then on it can't be restored, so no client sees that some of its rows are missing. The same
transaction emits the event by which the artifacts are deleted.
"""

from collections.abc import Mapping, Sequence

from asyncpg import Record

from services.tracking.artifact_uris import kept_within
from services.tracking.store import purges
from services.tracking.store.purges import Kind, Selection
from services.tracking.store.search import parse_experiment_id
from services.tracking.validation import is_run_id
from shared.contracts.errors import DomainError, invalid
from shared.contracts.events import ExperimentPurged, LoggedModelPurged, RunPurged
from shared.contracts.message import Message
from shared.contracts.purges import (
    FindOwners,
    FindOwnersReply,
    GetPurgePlan,
    ListProjects,
    ProjectIds,
    PurgeDeleted,
    PurgeDeletedReply,
    PurgePlan,
    PurgeScope,
)
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

NAMES = {
    Kind.RUN: "Run",
    Kind.LOGGED_MODEL: "Logged model",
    Kind.EXPERIMENT: "Experiment",
}


async def get_purge_plan(query: GetPurgePlan, tx: Transaction) -> PurgePlan:
    """Count the entities in a scope.

    As ``mlflow gc`` does, raises DomainError for a named entity that is not deleted, or not long enough
    ago. A named entity that does not exist is reported as missing: an earlier purge, which was
    interrupted, may have finished with it.
    """
    selection = _selection(query)
    missing: list[str] = []
    for kind, named in (
        (Kind.RUN, query.run_ids),
        (Kind.LOGGED_MODEL, query.logged_model_ids),
        (Kind.EXPERIMENT, query.experiment_ids),
    ):
        times = await purges.deletion_times(tx, kind, selection.ids(kind) or [])
        for each in named:
            if each not in times:
                missing.append(each)
            elif fault := _fault(NAMES[kind], each, times[each], selection.deleted_before):
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


async def purge_deleted(cmd: PurgeDeleted, tx: Transaction) -> PurgeDeletedReply:
    """Do the next portion. Entities that are invisible already come first."""
    return (
        await _empty(tx, Kind.RUN)
        or await _empty(tx, Kind.LOGGED_MODEL)
        or await _empty_experiments(tx)
        or await _begin(tx, _selection(cmd))
    )


async def _empty(tx: Transaction, kind: Kind) -> PurgeDeletedReply | None:
    """Delete rows of invisible entities of a kind; None if there are none."""
    ids = await purges.begun(tx, kind)
    return await _delete_rows(tx, kind, ids) if ids else None


async def _delete_rows(tx: Transaction, kind: Kind, ids: Sequence[str]) -> PurgeDeletedReply:
    rows = await purges.delete_rows(tx, kind, ids)
    # Each command deletes a limited number of rows. Only one that finds none shows that none are left.
    if rows == 0:
        await purges.finish(tx, kind, ids)
    return PurgeDeletedReply(rows=rows)


async def _empty_experiments(tx: Transaction) -> PurgeDeletedReply | None:
    """Purge the runs and logged models in invisible experiments, then delete rows of the experiments."""
    ids = await purges.begun(tx, Kind.EXPERIMENT)
    if not ids:
        return None
    runs = await purges.purge_contents(tx, Kind.RUN, ids)
    models = await purges.purge_contents(tx, Kind.LOGGED_MODEL, ids)
    await _tell(tx, runs, models)
    if runs or models:
        return PurgeDeletedReply(runs=len(runs), logged_models=len(models))
    return await _delete_rows(tx, Kind.EXPERIMENT, ids)


async def _begin(tx: Transaction, selection: Selection) -> PurgeDeletedReply:
    """Make some entities of the selection invisible. If there are none, the purge is finished."""
    runs = await purges.purge_deleted(tx, Kind.RUN, selection)
    models = await purges.purge_deleted(tx, Kind.LOGGED_MODEL, selection)
    experiments = await purges.purge_deleted(tx, Kind.EXPERIMENT, selection)
    await _tell(tx, runs, models, experiments)
    return PurgeDeletedReply(
        runs=len(runs),
        logged_models=len(models),
        experiments=len(experiments),
        finished=not (runs or models or experiments),
    )


def _own_directory(tx: Transaction, experiment: Record) -> str | None:
    """Return where an experiment keeps artifacts; None if a client chose the place, as others may share it."""
    own = f"mlflow-artifacts:/{tx.project}/{experiment['experiment_id']}"
    return own if experiment["artifact_location"] == own else None


async def _tell(
    tx: Transaction,
    runs: Sequence[Record],
    models: Sequence[Record],
    experiments: Sequence[Record] = (),
) -> None:
    """Emit the events by which artifacts are deleted.

    ``kept`` are the directories inside that a client chose for an experiment: they stay.
    """
    if not (runs or models or experiments):
        return
    chosen = await purges.chosen_directories(tx)
    for row in experiments:
        uri = _own_directory(tx, row)
        tx.emit(
            ExperimentPurged(
                experiment_id=str(row["experiment_id"]),
                artifact_uri=uri,
                kept=kept_within(uri, chosen, tx.project) if uri else [],
            )
        )
    for row in runs:
        tx.emit(
            RunPurged(
                run_id=row["run_id"].hex,
                experiment_id=str(row["experiment_id"]),
                artifact_uri=row["artifact_uri"],
                kept=kept_within(row["artifact_uri"], chosen, tx.project),
            )
        )
    for row in models:
        tx.emit(
            LoggedModelPurged(
                model_id=row["model_id"],
                experiment_id=str(row["experiment_id"]),
                artifact_uri=row["artifact_uri"],
                kept=kept_within(row["artifact_uri"], chosen, tx.project),
            )
        )


async def list_projects(_query: ListProjects, tx: Transaction) -> ProjectIds:
    """List every project."""
    return ProjectIds(projects=await purges.projects(tx))


async def find_owners(query: FindOwners, tx: Transaction) -> FindOwnersReply:
    """Return which of the ids exist, so that ``warren gc --sweep`` deletes only artifacts without an owner."""
    return FindOwnersReply(
        ids=await purges.owners(tx, query.ids), chosen=await purges.chosen_directories(tx)
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    FindOwners: find_owners,
    ListProjects: list_projects,
    GetPurgePlan: get_purge_plan,
    PurgeDeleted: purge_deleted,
}
