"""What is deleted for good, in portions: chosen, made invisible and noted, then emptied."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from asyncpg import Record

from services.tracking.artifact_uris import stored_directories
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.tracking.sql", "purges")

ROWS = 5_000
"""Rows of a table that one command deletes at most: some tens of milliseconds."""

THINGS = 100
"""Runs, logged models or experiments that one command makes invisible, or works on, at most."""


class Kind(StrEnum):
    """What can be purged; the values are the names in the queries, in the singular."""

    RUN = "run"
    LOGGED_MODEL = "logged_model"
    EXPERIMENT = "experiment"


@dataclass(frozen=True, slots=True)
class Selection:
    """What was deleted at a time in Unix milliseconds or before; ``ids`` None means all."""

    deleted_before: int
    runs: Sequence[str] | None
    logged_models: Sequence[str] | None
    experiments: Sequence[str] | None

    def ids(self, kind: Kind) -> Sequence[str] | None:
        """Return the ids of a kind."""
        if kind is Kind.RUN:
            return self.runs
        return self.logged_models if kind is Kind.LOGGED_MODEL else self.experiments


async def purge_deleted(tx: Transaction, kind: Kind, selection: Selection) -> list[Record]:
    """Make some of the selection invisible, and return what was."""
    ids = selection.ids(kind)
    rows = await tx.fetch(
        SQL[f"deleted_{kind}s"], tx.project, selection.deleted_before, ids, THINGS
    )
    return await _purge(tx, kind, [row[0] for row in rows])


async def purge_contents(
    tx: Transaction, kind: Kind, experiment_ids: Sequence[str]
) -> list[Record]:
    """Make some runs or logged models of experiments invisible, and return what was."""
    wanted = [int(each) for each in experiment_ids]
    rows = await tx.fetch(SQL[f"{kind}s_of_experiments"], tx.project, wanted, THINGS)
    return await _purge(tx, kind, [row[0] for row in rows])


async def _purge(tx: Transaction, kind: Kind, ids: Sequence[object]) -> list[Record]:
    if not ids:
        return []
    tx.writes = True
    return await tx.fetch(SQL[f"purge_{kind}s"], tx.project, ids)


async def begun(tx: Transaction, kind: Kind) -> list[str]:
    """Return some of what is invisible and not yet emptied."""
    rows = await tx.fetch(SQL["purges"], tx.project, kind, THINGS)
    return [row["id"] for row in rows]


async def delete_rows(tx: Transaction, kind: Kind, ids: Sequence[str]) -> int:
    """Delete some rows of what is invisible; return how many: 0 if there were none left."""
    keys = [int(each) for each in ids] if kind is Kind.EXPERIMENT else ids
    tx.writes = True
    count: int = await tx.fetch_value(SQL[f"delete_rows_of_{kind}s"], tx.project, keys, ROWS)
    return count


async def finish(tx: Transaction, kind: Kind, ids: Sequence[str]) -> None:
    """Forget what is empty."""
    await tx.write(SQL["finish_purges"], tx.project, kind, ids)


async def plan(tx: Transaction, selection: Selection) -> Record | None:
    """Return how many ``runs``, ``logged_models`` and ``experiments`` a selection holds."""
    return await tx.fetch_row(
        SQL["plan"],
        tx.project,
        selection.deleted_before,
        selection.experiments,
        selection.runs,
        selection.logged_models,
    )


async def deletion_times(tx: Transaction, kind: Kind, ids: Sequence[str]) -> dict[str, int | None]:
    """Return when each of the things was deleted, None if it was not; others are not there."""
    rows = await tx.fetch(SQL[f"{kind}_times"], tx.project, ids)
    return {row["id"]: row["deleted_time"] for row in rows}


async def chosen_directories(tx: Transaction) -> list[str]:
    """Return the paths of the directories that experiments, deleted ones included, have been given by clients."""
    rows = await tx.fetch(SQL["chosen_locations"], tx.project)
    return stored_directories([row["artifact_location"] for row in rows], tx.project)


async def projects(tx: Transaction) -> list[int]:
    """Return every project, whoever asks: only an operator's command does."""
    return [row["project_id"] for row in await tx.fetch(SQL["projects"])]


async def owners(tx: Transaction, ids: Sequence[str]) -> list[str]:
    """Return those ids that are of runs or logged models, deleted ones included."""
    return [row["id"] for row in await tx.fetch(SQL["owners"], tx.project, ids)]
