"""Purges, in portions: entities are selected, then made invisible and noted, then their rows are deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from asyncpg import Record

from services.tracking.artifact_uris import stored_directories
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.tracking.sql", "purges")

ROWS = 5_000
"""Most rows of each table that one command deletes. This takes some tens of milliseconds."""

THINGS = 100
"""Most runs, logged models or experiments that one command makes invisible, or deletes rows of."""


class Kind(StrEnum):
    """The kinds of entities that can be purged; the names of the queries contain these values."""

    RUN = "run"
    LOGGED_MODEL = "logged_model"
    EXPERIMENT = "experiment"


@dataclass(frozen=True, slots=True)
class Selection:
    """Entities that were deleted at ``deleted_before`` (Unix milliseconds) or earlier.

    The other fields are ids; None means all of that kind.
    """

    deleted_before: int
    runs: Sequence[str] | None
    logged_models: Sequence[str] | None
    experiments: Sequence[str] | None

    def ids(self, kind: Kind) -> Sequence[str] | None:
        """Return the selected ids of a kind; None means all."""
        if kind is Kind.RUN:
            return self.runs
        return self.logged_models if kind is Kind.LOGGED_MODEL else self.experiments


async def purge_deleted(tx: Transaction, kind: Kind, selection: Selection) -> list[Record]:
    """Make some entities of the selection invisible; return their ids and artifact URIs."""
    ids = selection.ids(kind)
    rows = await tx.rows(SQL[f"deleted_{kind}s"], tx.project, selection.deleted_before, ids, THINGS)
    return await _purge(tx, kind, [row[0] for row in rows])


async def purge_contents(
    tx: Transaction, kind: Kind, experiment_ids: Sequence[str]
) -> list[Record]:
    """Make some runs or logged models of experiments invisible; return their ids and artifact URIs."""
    wanted = [int(each) for each in experiment_ids]
    rows = await tx.rows(SQL[f"{kind}s_of_experiments"], tx.project, wanted, THINGS)
    return await _purge(tx, kind, [row[0] for row in rows])


async def _purge(tx: Transaction, kind: Kind, ids: Sequence[object]) -> list[Record]:
    if not ids:
        return []
    return await tx.rows(SQL[f"purge_{kind}s"], tx.project, ids)


async def begun(tx: Transaction, kind: Kind) -> list[str]:
    """Return some invisible entities that may still have rows."""
    rows = await tx.rows(SQL["purges"], tx.project, kind, THINGS)
    return [row["id"] for row in rows]


async def delete_rows(tx: Transaction, kind: Kind, ids: Sequence[str]) -> int:
    """Delete some rows of invisible entities; return how many. 0 means that none are left."""
    keys = [int(each) for each in ids] if kind is Kind.EXPERIMENT else ids
    count: int = await tx.value(SQL[f"delete_rows_of_{kind}s"], tx.project, keys, ROWS)
    return count


async def finish(tx: Transaction, kind: Kind, ids: Sequence[str]) -> None:
    """Remove the notes of entities that have no rows any more."""
    await tx.execute(SQL["finish_purges"], tx.project, kind, ids)


async def plan(tx: Transaction, selection: Selection) -> Record | None:
    """Return how many ``runs``, ``logged_models`` and ``experiments`` a selection holds."""
    return await tx.row(
        SQL["plan"],
        tx.project,
        selection.deleted_before,
        selection.experiments,
        selection.runs,
        selection.logged_models,
    )


async def deletion_times(tx: Transaction, kind: Kind, ids: Sequence[str]) -> dict[str, int | None]:
    """Return when each entity was deleted; None if it was not. Ids that do not exist are left out."""
    rows = await tx.rows(SQL[f"{kind}_times"], tx.project, ids)
    return {row["id"]: row["deleted_time"] for row in rows}


async def chosen_directories(tx: Transaction) -> list[str]:
    """Return the directories that clients chose for experiments, deleted experiments included."""
    rows = await tx.rows(SQL["chosen_locations"], tx.project)
    return stored_directories([row["artifact_location"] for row in rows], tx.project)


async def projects(tx: Transaction) -> list[int]:
    """Return every project, not only the caller's. Only an operator's command asks for this."""
    return [row["project_id"] for row in await tx.rows(SQL["projects"])]


async def owners(tx: Transaction, ids: Sequence[str]) -> list[str]:
    """Return those of the ids that runs or logged models have, deleted ones included."""
    return [row["id"] for row in await tx.rows(SQL["owners"], tx.project, ids)]
