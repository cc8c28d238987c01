"""Runs and their tags."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from services.tracking.validation import is_run_id, run_not_active, run_not_found
from shared.contracts.runs import RunInfo
from shared.contracts.views import RunStatus
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.tracking.sql", "runs")
LOG_SQL = load_queries("services.tracking.sql", "log")


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is about to be inserted."""

    run_id: UUID
    experiment_id: int
    name: str
    user_id: str
    start_time: int
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunState:
    """The data of an active run that a write needs."""

    experiment_id: int


@dataclass(frozen=True, slots=True)
class LockedRun:
    """A run that is locked until the transaction ends: other writers wait."""

    experiment_id: int
    deleted: bool
    artifact_uri: str


async def create(tx: Transaction, run: NewRun) -> tuple[bool, str | None] | None:
    """Insert a run if its experiment is active.

    Return whether the experiment is deleted, and the run's artifact URI if it is not. Return None if
    there is no such experiment.
    """
    row = await tx.row(
        SQL["create_run"],
        tx.project,
        run.experiment_id,
        run.run_id,
        run.name,
        run.user_id,
        run.start_time,
        run.run_id.hex,
        list(run.tags),
        list(run.tags.values()),
    )
    if row is None:
        return None
    return row["deleted"], row["artifact_uri"]


async def active(tx: Transaction, run_id: str, *, query: str = "run_state") -> RunState:
    """Return the state of an active run that is about to be written to, and unfold it.

    Raises DomainError if it is deleted or does not exist.
    """
    row = None
    if is_run_id(run_id):
        row = await tx.row(SQL[query], tx.project, run_id)
    if row is None:
        raise run_not_found(run_id)
    if row["deleted"]:
        raise run_not_active(run_id)
    if row["folded"]:
        # Two statements, as in ``store.log.unfold``.
        await tx.execute(LOG_SQL["lock_folded_runs"], [tx.project], [run_id])
        await tx.execute(LOG_SQL["unfold_runs"], [tx.project], [run_id])
    return RunState(row["experiment_id"])


async def lock_active(tx: Transaction, run_id: str) -> RunState:
    """As ``active``, and lock the run until the transaction ends: other writers wait."""
    return await active(tx, run_id, query="lock_run")


async def lock(tx: Transaction, run_id: str) -> LockedRun | None:
    """Lock a run, deleted or not, until the transaction ends; return it, or None if it does not exist."""
    row = None
    if is_run_id(run_id):
        row = await tx.row(SQL["lock_run"], tx.project, run_id)
    return LockedRun(row["experiment_id"], row["deleted"], row["artifact_uri"]) if row else None


async def artifact_uri(tx: Transaction, run_id: UUID) -> str | None:
    """Return where a run keeps artifacts; None if it does not exist."""
    uri: str | None = await tx.value(SQL["run_artifact_uri"], tx.project, run_id)
    return uri


async def update(
    tx: Transaction,
    run_id: str,
    status: RunStatus | None,
    end_time: int | None,
    name: str | None,
) -> RunInfo:
    """Change those values of an active run that are not None. Raises DomainError as ``active`` does."""
    row = None
    if is_run_id(run_id):
        row = await tx.row(SQL["update_run"], tx.project, run_id, status, end_time, name)
    if row is None:
        # Usually this raises the right error. It returns if the run was restored meanwhile: then the run
        # was still deleted when the update ran.
        await active(tx, run_id)
        raise run_not_active(run_id)
    return _info(row)


async def delete(tx: Transaction, run_id: str) -> int:
    """Mark a run deleted and return its experiment. Raises DomainError if it does not exist."""
    return await _mark(tx, "delete_run", run_id, now())


async def restore(tx: Transaction, run_id: str) -> int:
    """Mark a run active and return its experiment. Raises DomainError if it does not exist."""
    return await _mark(tx, "restore_run", run_id)


async def _mark(tx: Transaction, query: str, run_id: str, *values: int) -> int:
    row = None
    if is_run_id(run_id):
        row = await tx.row(SQL[query], tx.project, run_id, *values)
    if row is None:
        raise run_not_found(run_id)
    experiment_id: int = row["experiment_id"]
    return experiment_id


async def of_iid(tx: Transaction, iid: int) -> UUID | None:
    """Return the id of the run with an iid, or None."""
    run_id: UUID | None = await tx.value(SQL["run_of_iid"], tx.project, iid)
    return run_id


async def get_tag(tx: Transaction, run_id: str, key: str) -> str | None:
    """Return the value of a tag, or None."""
    value: str | None = await tx.value(SQL["get_tag"], tx.project, run_id, key)
    return value


async def set_tag(tx: Transaction, run_id: str, key: str, value: str) -> None:
    """Set or overwrite a tag."""
    await tx.execute(SQL["set_tag"], tx.project, run_id, key, value)


async def delete_tag(tx: Transaction, run_id: str, key: str) -> bool:
    """Remove a tag; False if there is no such tag."""
    row = await tx.row(SQL["delete_tag"], tx.project, run_id, key)
    return row is not None


def _info(row: Record) -> RunInfo:
    run_id = row["run_id"].hex
    return RunInfo(
        run_id=run_id,
        run_uuid=run_id,
        run_name=row["name"],
        experiment_id=str(row["experiment_id"]),
        user_id=row["user_id"],
        status=row["status"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        artifact_uri=row["artifact_uri"],
        lifecycle_stage="deleted" if row["deleted"] else "active",
    )
