"""Purges, in portions: entities are selected, then made invisible and noted, then their rows are deleted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from services.tracking.artifact_uris import stored_directories
from services.tracking.store import documents
from shared.postgres.queries import Statement, load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.tracking.sql", "purges")

MAX_ROWS = 5_000
"""Most rows of each table that one command deletes. This takes some tens of milliseconds."""

MAX_ENTITIES = 100
"""Most runs, logged models or experiments that one command makes invisible, or deletes rows of."""


@dataclass(frozen=True, slots=True)
class PurgeTarget:
    """A type of entities that can be purged: its name, its table and columns, and the tables of its rows."""

    name: str
    table: str
    columns: Mapping[str, str]
    row_tables: Sequence[str]
    has_points: bool = False

    def fill(self, statement: Statement, **names: str) -> Statement:
        """Return a statement with the names of the table and the columns in the place of placeholders."""
        return statement.fill({"table": self.table, **self.columns, **names})

    def delete_statements(self) -> Iterator[Statement]:
        """Yield the statements that delete rows, in their order: blocks and points before their series."""
        if self.has_points:
            yield SQL["delete_blocks"]
            yield SQL["delete_points"]
            yield SQL["delete_series"]
        for row_table in self.row_tables:
            yield self.fill(SQL["delete_rows"], row_table=row_table)


RUNS = PurgeTarget(
    "run",
    "runs",
    {
        "id": "run_id",
        "id_type": "uuid",
        "deleted_time": "deleted_time",
        "artifact_uri": "artifact_uri",
    },
    (
        "params",
        "tags",
        "run_inputs",
        "run_input_tags",
        "run_model_inputs",
        "run_model_outputs",
        "logged_model_metrics",
    ),
    has_points=True,
)

# As in MLflow, a run keeps the record that it read or produced a model.
LOGGED_MODELS = PurgeTarget(
    "logged_model",
    "logged_models",
    {
        "id": "model_id",
        "id_type": "text",
        "deleted_time": "last_updated_timestamp_ms",
        "artifact_uri": "artifact_uri",
    },
    ("logged_model_metrics", "logged_model_params", "logged_model_tags"),
)

EXPERIMENTS = PurgeTarget(
    "experiment",
    "experiments",
    {
        "id": "experiment_id",
        "id_type": "bigint",
        "deleted_time": "last_update_time",
        "artifact_uri": "artifact_location",
    },
    ("experiment_tags", "datasets"),
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Entities that were deleted at ``deleted_before`` (Unix milliseconds) or earlier.

    The other fields are ids; None means all of that type.
    """

    deleted_before: int
    runs: Sequence[str] | None
    logged_models: Sequence[str] | None
    experiments: Sequence[str] | None

    def ids(self, target: PurgeTarget) -> Sequence[str] | None:
        """Return the selected ids of a type of entities; None means all."""
        if target is RUNS:
            return self.runs
        return self.logged_models if target is LOGGED_MODELS else self.experiments


@dataclass(frozen=True, slots=True)
class PurgedEntity:
    """A run, logged model or experiment that was made invisible."""

    id: str
    experiment_id: str
    artifact_uri: str


async def purge_deleted(
    tx: Transaction, target: PurgeTarget, selection: Selection
) -> list[PurgedEntity]:
    """Make some entities of the selection invisible and return them."""
    query = target.fill(SQL["select_deleted"])
    before, ids = selection.deleted_before, selection.ids(target)
    return await _purge(tx, target, await tx.rows(query, tx.project, before, ids, MAX_ENTITIES))


async def purge_contents(
    tx: Transaction, target: PurgeTarget, experiment_ids: Sequence[str]
) -> list[PurgedEntity]:
    """Make some runs or logged models of experiments invisible and return them."""
    query = target.fill(SQL["select_of_experiments"])
    return await _purge(tx, target, await tx.rows(query, tx.project, experiment_ids, MAX_ENTITIES))


async def _purge(
    tx: Transaction, target: PurgeTarget, selected: Sequence[Record]
) -> list[PurgedEntity]:
    if not selected:
        return []
    ids = [row["id"] for row in selected]
    rows = await tx.rows(target.fill(SQL["purge"]), tx.project, ids, target.name)
    if target is RUNS:
        runs, experiments = [row["id"] for row in rows], [row["experiment_id"] for row in rows]
        await documents.forget(tx.connection, tx.project, runs, experiments)
    return [
        PurgedEntity(_id_text(row["id"]), str(row["experiment_id"]), row["artifact_uri"])
        for row in rows
    ]


def _id_text(entity_id: UUID | str | int) -> str:
    """Return an id as clients know it."""
    return entity_id.hex if isinstance(entity_id, UUID) else str(entity_id)


async def unfinished(tx: Transaction, target: PurgeTarget) -> list[str]:
    """Return some invisible entities that may still have rows."""
    rows = await tx.rows(SQL["unfinished_purges"], tx.project, target.name, MAX_ENTITIES)
    return [row["id"] for row in rows]


async def delete_rows(
    tx: Transaction, target: PurgeTarget, ids: Sequence[str], max_rows: int
) -> int:
    """Delete some rows of invisible entities; return how many. 0 means that none are left."""
    deleted = 0
    for statement in target.delete_statements():
        deleted += await tx.value(statement, tx.project, ids, max_rows)
    return deleted


async def complete(tx: Transaction, target: PurgeTarget, ids: Sequence[str]) -> None:
    """Remove the notes of entities that have no rows any more."""
    await tx.execute(SQL["complete_purges"], tx.project, target.name, ids)


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


async def deletion_times(
    tx: Transaction, target: PurgeTarget, ids: Sequence[str]
) -> dict[str, int | None]:
    """Return when each entity was deleted; None if it was not. Ids that do not exist are left out."""
    rows = await tx.rows(target.fill(SQL["deletion_times"]), tx.project, ids)
    return {_id_text(row["id"]): row["deleted_time"] for row in rows}


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
