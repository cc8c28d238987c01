"""The hot path's statements: what many calls log to many runs, in few round trips.

Runs are told by their position in a sorted list of (project, run id); so whatever is sorted by
position and key is written in the order in which any other worker writes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from services.tracking.validation import LARGEST_FLOAT, Point
from shared.database.queries import load_queries
from shared.database.transaction import AnyConnection, Contention

SQL = load_queries("services.tracking.sql", "log")

MISSING, ACTIVE, DELETED = 0, 1, 2

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
        """Return projects and run ids, to be bound as arrays."""
        return [key[0] for key in self.keys], [key[1] for key in self.keys]

    def columns_of(self, positions: Sequence[int]) -> tuple[list[int], list[str]]:
        """Return project and run id for each of the positions."""
        keys = [self.keys[position] for position in positions]
        return [key[0] for key in keys], [key[1] for key in keys]


@dataclass(slots=True)
class Points:
    """Points of metrics; ``add`` one by one, then write them with ``append_metrics``.

    A row is (run, key, step, timestamp, value as it is ordered, number, value): sorted as it
    stands, the number keeping the rest from being compared.
    """

    rows: list[tuple[int, str, int, int, float, int, float]] = field(default_factory=list)
    extras: dict[int, Point] = field(default_factory=dict)

    def add(self, run: int, point: Point) -> None:
        """Take a point of the run at a position.

        Infinity becomes the largest number, as in MLflow's SQL store.
        """
        value = ordered = point.value
        if value != value:  # noqa: PLR0124 - it is NaN, and the fastest test for it.
            ordered = 0.0
        elif not -LARGEST_FLOAT <= value <= LARGEST_FLOAT:
            value = ordered = LARGEST_FLOAT if value > 0 else -LARGEST_FLOAT
        number = len(self.rows)
        self.rows.append((run, point.key, point.step, point.timestamp, ordered, number, value))
        if point.model_id or point.dataset_name:
            self.extras[number] = point


async def run_states(connection: AnyConnection, runs: RunList) -> list[int]:
    """Return MISSING, ACTIVE or DELETED for each run."""
    states: list[int] = await connection.fetchval(SQL["run_states"], *runs.columns)
    return states


async def append_metrics(connection: AnyConnection, runs: RunList, points: Points) -> list[int]:
    """Append the points of active runs; return each run's state, as ``run_states`` does."""
    points.rows.sort()
    run, keys, steps, timestamps, _, numbers, values = zip(*points.rows, strict=True)
    newest = [one[0] != next_[0] or one[1] != next_[1] for one, next_ in pairwise(points.rows)]
    newest.append(True)
    states: list[int] = await connection.fetchval(
        SQL["append_metrics"],
        *runs.columns,
        [position + 1 for position in run],
        keys,
        steps,
        timestamps,
        values,
        newest,
        *_extra_columns(points.extras, numbers),
    )
    return states


def _extra_columns(
    extras: Mapping[int, Point], numbers: Sequence[int]
) -> tuple[list[str | None], list[str | None], list[str | None]]:
    """Return models, dataset names and digests; empty columns read as NULLs."""
    if not extras:
        return [], [], []
    found = [extras.get(number) for number in numbers]
    return (
        [point.model_id or None if point else None for point in found],
        [point.dataset_name or None if point else None for point in found],
        [point.dataset_digest or None if point else None for point in found],
    )


async def existing_params(
    connection: AnyConnection, runs: RunList, wanted: Sequence[EntryKey]
) -> dict[EntryKey, str]:
    """Return the values of those params that are there."""
    owners = runs.columns_of([run for run, _ in wanted])
    rows = await connection.fetch(SQL["existing_params"], *owners, [key for _, key in wanted])
    return {wanted[row["position"] - 1]: row["value"] for row in rows}


async def insert_params(
    connection: AnyConnection, runs: RunList, params: Mapping[EntryKey, str]
) -> None:
    """Insert params that were not there a moment ago.

    Raises Contention if by now one is: whether its value is the same is to be asked again, in a
    transaction that can see it.
    """
    entries = sorted(params)
    inserted = await connection.fetchval(
        SQL["insert_params"],
        *runs.columns_of([run for run, _ in entries]),
        [key for _, key in entries],
        [params[entry] for entry in entries],
    )
    if inserted != len(entries):
        raise Contention


async def upsert_tags(
    connection: AnyConnection, runs: RunList, tags: Mapping[EntryKey, str]
) -> None:
    """Set or overwrite tags."""
    entries = sorted(tags)
    await connection.execute(
        SQL["upsert_tags"],
        *runs.columns_of([run for run, _ in entries]),
        [key for _, key in entries],
        [tags[entry] for entry in entries],
    )


async def rename_runs(connection: AnyConnection, runs: RunList, names: Mapping[int, str]) -> None:
    """Set the names of runs, by position."""
    positions = sorted(names)
    await connection.execute(
        SQL["rename_runs"],
        *runs.columns_of(positions),
        [names[position] for position in positions],
    )
