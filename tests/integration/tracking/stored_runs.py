"""Runs to search for, and the search that finds them whichever way it takes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.tracking.store import documents
from services.tracking.store.search_runs import Budget, search_run_ids
from shared.contracts.runs import SearchRuns
from shared.postgres.connection import AnyConnection
from tests.integration.tracking.conftest import PROJECT

NAN = math.nan
LONG = "x" * 250
"""Longer than the piece of a text that indexes have."""


@dataclass(frozen=True)
class Run:
    """A run to search for; its number makes up its id and, by default, its start time."""

    number: int
    experiment: int = 1
    start_time: int | None = None
    end_time: int | None = None
    name: str = ""
    status: str = "RUNNING"
    deleted: bool = False
    project: int = PROJECT
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        """The run id."""
        return UUID(int=self.number)


async def store(connection: AnyConnection, runs: Iterable[Run]) -> None:
    for run in runs:
        number = await connection.fetchval(
            "INSERT INTO experiments AS old (project_id, experiment_id, name, artifact_location,"
            " creation_time, last_update_time) VALUES ($1, $2, $3, '', 0, 0)"
            " ON CONFLICT (project_id, experiment_id) DO UPDATE SET name = old.name"
            " RETURNING experiment_number",
            run.project,
            run.experiment,
            str(run.experiment),
        )
        await connection.execute(
            "INSERT INTO runs (project_id, run_id, experiment_id, name, user_id, status,"
            " start_time, end_time, deleted, artifact_uri, experiment_number)"
            " VALUES ($1, $2, $3, $4, 'me', $5, $6, $7, $8, '', $9)",
            run.project,
            run.id,
            run.experiment,
            run.name,
            run.status,
            run.number if run.start_time is None else run.start_time,
            run.end_time,
            run.deleted,
            number,
        )
        await connection.execute(
            "INSERT INTO unfolded_runs VALUES ($1, $2, $3)", run.project, run.experiment, run.id
        )
        key = (run.project, run.id)
        await connection.executemany(
            "WITH series AS ("
            " INSERT INTO metric_series (project_id, run_id, key) VALUES ($1, $2, $3)"
            " RETURNING project_id, series_id"
            ") INSERT INTO metric_points (project_id, series_id, value, timestamp, step)"
            " SELECT project_id, series_id, $4, 0, 0 FROM series",
            [(*key, *item) for item in run.metrics.items()],
        )
        start_time = run.number if run.start_time is None else run.start_time
        for table, values in (("params", run.params), ("tags", run.tags)):
            await connection.executemany(
                f"INSERT INTO {table} (project_id, run_id, key, value, experiment_number, start_time)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                [(*key, *item, number, start_time) for item in values.items()],
            )
        for index, (name, context) in enumerate(run.datasets.items()):
            await _store_dataset(connection, run, UUID(int=run.number * 100 + index), name, context)
        await _fold_some(connection, run)


async def _fold_some(connection: AnyConnection, run: Run) -> None:
    """Fold every other run; unfold some of them again, whose newest metrics are stale then."""
    if run.number % 2:
        await documents.fold(connection, [(run.project, run.id)])
    if run.number % 4 == 1:
        await connection.execute(
            "UPDATE newest_metrics SET value = -value WHERE run_id = $1", run.id
        )
        await connection.execute("UPDATE runs SET folded = false WHERE run_id = $1", run.id)
        await connection.execute(
            "INSERT INTO unfolded_runs VALUES ($1, $2, $3)", run.project, run.experiment, run.id
        )


async def _store_dataset(
    connection: AnyConnection, run: Run, dataset: UUID, name: str, context: str
) -> None:
    await connection.execute(
        "INSERT INTO datasets (project_id, dataset_id, experiment_id, name, digest, source_type,"
        " source) VALUES ($1, $2, $3, $4, $5, 'local', '')",
        run.project,
        dataset,
        run.experiment,
        name,
        f"digest-{run.number}",
    )
    key = (run.project, run.id, dataset)
    await connection.execute("INSERT INTO run_inputs VALUES ($1, $2, $3)", *key)
    await connection.execute(
        "INSERT INTO run_input_tags VALUES ($1, $2, $3, 'mlflow.data.context', $4)", *key, context
    )


BUDGETS = (
    Budget(),
    # From the set of a clause.
    Budget(walked=0, walked_pages=0),
    # From all sets.
    Budget(walked=0, walked_pages=0, driven=0),
    # After a walk that was given up.
    Budget(walked=1, walked_pages=1, driven=0),
    Budget(walked=1, walked_pages=2, driven=0),
)


async def find(
    connection: AnyConnection,
    filter_: str = "",
    order_by: Sequence[str] = (),
    max_results: int = 100,
    scope: Mapping[str, object] | None = None,
) -> list[int]:
    """Return the numbers of the found runs, all pages, whichever way the search takes; check each page's size."""
    first, *others = [
        await _find(connection, filter_, order_by, max_results, scope or {}, budget)
        for budget in BUDGETS
    ]
    for budget, other in zip(BUDGETS[1:], others, strict=True):
        assert other == first, budget
    return first


async def _find(  # noqa: PLR0913, PLR0917
    connection: AnyConnection,
    filter_: str,
    order_by: Sequence[str],
    max_results: int,
    scope: Mapping[str, object],
    budget: Budget,
) -> list[int]:
    fields: dict[str, object] = {"experiment_ids": ["1"], **scope}
    found: list[int] = []
    token: str | None = None
    while True:
        query = SearchRuns.model_validate(
            {
                "filter": filter_,
                "order_by": list(order_by),
                "max_results": max_results,
                "page_token": token,
                **fields,
            }
        )
        # The search's own settings end with its transaction.
        async with connection.transaction():
            page = await search_run_ids(connection, PROJECT, query, budget)
            await connection.execute("SET LOCAL enable_nestloop = on")
        found += [id_.int for id_ in page.items]
        token = page.next_page_token
        if token is None:
            return found
        assert len(page.items) == max_results
