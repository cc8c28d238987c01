"""The statements of the hot path: they write what many calls log to many runs in few round trips.

A run is named by its position in a sorted list of (project, run id). So rows that are sorted by
position and key are in the same order in all workers, and workers can't deadlock.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from asyncpg import UniqueViolationError

from services.tracking.validation import LARGEST_FLOAT
from shared.contracts.metrics import Point
from shared.postgres.connection import AnyConnection
from shared.postgres.handlers import Contention
from shared.postgres.queries import load_queries

SQL = load_queries("services.tracking.sql", "log")

_APPEND_UNSEEN_METRICS = SQL["append_metrics"].without("ON CONFLICT DO NOTHING")
"""As append_metrics, but fails with a unique violation if one of the points exists already."""

MISSING, ACTIVE, DELETED, FOLDED = 0, 1, 2, 3
"""The states of runs. A folded one is active, too, and must be unfolded before anything is written to it."""

RunKey = tuple[int, str]
"""Project and run id."""

EntryKey = tuple[int, str]
"""Position of the run, and the key of a param or tag."""


@dataclass(slots=True)
class RunList:
    """The runs of a batch, sorted."""

    keys: list[RunKey]
    positions: dict[RunKey, int] = field(init=False)

    def __post_init__(self) -> None:
        self.keys.sort()
        self.positions = {key: position for position, key in enumerate(self.keys)}

    @property
    def columns(self) -> tuple[list[int], list[str]]:
        """Return the projects and the run ids, to bind as arrays."""
        return [key[0] for key in self.keys], [key[1] for key in self.keys]

    def columns_of(self, positions: Sequence[int]) -> tuple[list[int], list[str]]:
        """Return the project and the run id at each position."""
        keys = [self.keys[position] for position in positions]
        return [key[0] for key in keys], [key[1] for key in keys]


@dataclass(slots=True)
class RunRows:
    """The states of the runs of a list, in its order, and the columns that their params and tags repeat."""

    states: list[int]
    experiments: list[int | None]
    start_times: list[int | None]


Extras = tuple[str | None, str | None, str | None]
"""The logged model of a point, and the name and digest of its dataset. Absent ones are None, never ''."""

NO_EXTRAS: Extras = (None, None, None)

NO_COLUMNS: Sequence[Sequence[str | None]] = ((), (), ())


@dataclass(slots=True)
class Points:
    """Points of metrics: ``add`` the points of each call, then write them with ``append_metrics``.

    A row is (run, key, step, timestamp, number, value). Rows are sorted as tuples; the number is unique,
    so that two values are never compared. Few points have ``extras``, so these are kept by number.
    """

    rows: list[tuple[int, str, int, int, int, float]] = field(default_factory=list)
    extras: dict[int, Extras] = field(default_factory=dict)

    def add(self, run: int, points: Iterable[Point]) -> None:
        """Add points of the run at a position.

        Infinity becomes the largest number, as in MLflow's SQL store. NaN stays.
        """
        rows = self.rows
        for number, point in enumerate(points, len(rows)):
            value = point["value"]
            if not -LARGEST_FLOAT <= value <= LARGEST_FLOAT and value == value:  # noqa: PLR0124 - not NaN
                value = LARGEST_FLOAT if value > 0 else -LARGEST_FLOAT
            step = point.get("step", 0)
            rows.append((run, point["key"], step, point["timestamp"], number, value))
            model_id, dataset_name = point.get("model_id"), point.get("dataset_name")
            if model_id or dataset_name:
                digest = point.get("dataset_digest")
                self.extras[number] = (model_id or None, dataset_name or None, digest or None)

    def columns(self) -> tuple[Sequence[object], ...]:
        """Sort the points by run and key, and return the arguments of the query ``append_metrics``.

        First come the columns of moments, then the columns of points. A moment is a run, a step and a
        timestamp. A ``log-batch`` often has many points of one moment: it is sent once.
        """
        self.rows.sort()
        runs, keys, steps, timestamps, numbers, values = zip(*self.rows, strict=True)
        moments = list(zip(runs, steps, timestamps, strict=True))
        places = {moment: place for place, moment in enumerate(dict.fromkeys(moments), 1)}
        distinct_runs, distinct_steps, distinct_timestamps = zip(*places, strict=True)
        return (
            # PostgreSQL counts the elements of an array from 1.
            [run + 1 for run in distinct_runs],
            distinct_steps,
            distinct_timestamps,
            [places[moment] for moment in moments],
            keys,
            values,
            # In SQL an empty column gives NULLs.
            *(_extra_columns(self.extras, numbers) if self.extras else NO_COLUMNS),
        )


async def find_runs(connection: AnyConnection, runs: RunList) -> RunRows:
    """Return what is known of each run, and unfold the folded ones: they are ACTIVE then."""
    (row,) = await connection.fetch(SQL["find_runs"].sql, *runs.columns)
    found = RunRows(row["states"], row["experiments"], row["start_times"])
    if FOLDED in found.states:
        await unfold(connection, runs, found.states)
        found.states = [ACTIVE if state == FOLDED else state for state in found.states]
    return found


async def unfold(connection: AnyConnection, runs: RunList, states: Sequence[int]) -> None:
    """Mark the folded runs as not folded. The writes to them must be in the same transaction."""
    folded = runs.columns_of([at for at, state in enumerate(states) if state == FOLDED])
    # Two statements: the second sees what another transaction did to a run while the first waited for its lock.
    await connection.execute(SQL["lock_folded_runs"].sql, *folded)
    await connection.execute(SQL["unfold_runs"].sql, *folded)


async def append_metrics(connection: AnyConnection, runs: RunList, points: Points) -> list[int]:
    """Append the points of active runs; return the state of each run."""
    arguments = (*runs.columns, *points.columns())
    states = await _append(connection, arguments)
    while FOLDED in states:
        # Rare: the run was quiet for some seconds. The points of the other runs are there already. So what the next
        # look says of those does not matter; meanwhile they may have been marked.
        async with connection.transaction():
            await unfold(connection, runs, states)
            later = await _append(connection, arguments)
        states = [
            now if state == FOLDED else state for state, now in zip(states, later, strict=True)
        ]
    return states


async def _append(connection: AnyConnection, arguments: Sequence[object]) -> list[int]:
    """Append the points of runs that are active and not folded; return the state of each run.

    A point that exists already is skipped. To look for each point first costs a fourth of the
    statement's time, and most points are new. So if the statement is its own transaction, it is first
    tried without looking. If a point exists, it fails as a whole and leaves nothing behind (ADR 14).
    """
    states: list[int]
    if not connection.is_in_transaction():
        with suppress(UniqueViolationError):
            states = await connection.fetchval(_APPEND_UNSEEN_METRICS.sql, *arguments)
            return states
    states = await connection.fetchval(SQL["append_metrics"].sql, *arguments)
    return states


def _extra_columns(
    extras: Mapping[int, Extras], numbers: Sequence[int]
) -> Iterable[Sequence[str | None]]:
    """Return the columns of models, dataset names and digests."""
    return zip(*(extras.get(number, NO_EXTRAS) for number in numbers), strict=True)


async def existing_params(
    connection: AnyConnection, runs: RunList, wanted: Sequence[EntryKey]
) -> dict[EntryKey, str]:
    """Return the values of those params that exist."""
    owners = runs.columns_of([run for run, _ in wanted])
    rows = await connection.fetch(SQL["existing_params"].sql, *owners, [key for _, key in wanted])
    return {wanted[row["position"] - 1]: row["value"] for row in rows}


async def insert_params(
    connection: AnyConnection, runs: RunList, rows: RunRows, params: Mapping[EntryKey, str]
) -> None:
    """Insert params that did not exist when ``existing_params`` was called.

    Raises Contention if another transaction has inserted one meanwhile: its value must be compared
    again, in a transaction that sees it.
    """
    entries = sorted(params)
    inserted = await connection.fetchval(
        SQL["insert_params"].sql,
        *runs.columns,
        rows.experiments,
        rows.start_times,
        [run + 1 for run, _ in entries],
        [key for _, key in entries],
        [params[entry] for entry in entries],
    )
    if inserted != len(entries):
        raise Contention


async def upsert_tags(
    connection: AnyConnection, runs: RunList, rows: RunRows, tags: Mapping[EntryKey, str]
) -> None:
    """Set or overwrite tags."""
    entries = sorted(tags)
    await connection.execute(
        SQL["upsert_tags"].sql,
        *runs.columns,
        rows.experiments,
        rows.start_times,
        [run + 1 for run, _ in entries],
        [key for _, key in entries],
        [tags[entry] for entry in entries],
    )


async def rename_runs(connection: AnyConnection, runs: RunList, names: Mapping[int, str]) -> None:
    """Set the names of runs, by position."""
    positions = sorted(names)
    await connection.execute(
        SQL["rename_runs"].sql,
        *runs.columns_of(positions),
        [names[position] for position in positions],
    )
