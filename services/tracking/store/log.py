"""The hot path's statements: what many calls log to many runs, in few round trips.

Runs are told by their position in a sorted list of (project, run id); so whatever is sorted by
position and key is written in the order in which any other worker writes it.
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

_APPEND_UNSEEN_METRICS = SQL["append_metrics"].replace("ON CONFLICT DO NOTHING", "")
"""As append_metrics, but fails with a unique violation if one of the points is there already."""

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


Extras = tuple[str | None, str | None, str | None]
"""A point's logged model, and its dataset's name and digest; never empty texts."""

NO_EXTRAS: Extras = (None, None, None)


@dataclass(slots=True)
class Points:
    """Points of metrics; ``add`` those of each call, then write them with ``append_metrics``.

    A row is (run, key, step, timestamp, number, value): sorted as it stands, the number keeping
    values from being compared. The few points that have ``extras`` are found there by number.
    """

    rows: list[tuple[int, str, int, int, int, float]] = field(default_factory=list)
    extras: dict[int, Extras] = field(default_factory=dict)

    def add(self, run: int, points: Iterable[Point]) -> None:
        """Take points of the run at a position.

        Infinity becomes the largest number, as in MLflow's SQL store.
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
        """Return them sorted by run and key, as arguments: those of moments, then of points."""
        self.rows.sort()
        runs, keys, steps, timestamps, numbers, values = zip(*self.rows, strict=True)
        moments = list(zip(runs, steps, timestamps, strict=True))
        places = {moment: place for place, moment in enumerate(dict.fromkeys(moments), 1)}
        distinct_runs, distinct_steps, distinct_timestamps = zip(*places, strict=True)
        return (
            [run + 1 for run in distinct_runs],
            distinct_steps,
            distinct_timestamps,
            [places[moment] for moment in moments],
            keys,
            values,
            *_extra_columns(self.extras, numbers),
        )


async def run_states(connection: AnyConnection, runs: RunList) -> list[int]:
    """Return MISSING, ACTIVE or DELETED for each run."""
    states: list[int] = await connection.fetchval(SQL["run_states"], *runs.columns)
    return states


async def append_metrics(connection: AnyConnection, runs: RunList, points: Points) -> list[int]:
    """Append the points of active runs; return each run's state, as ``run_states`` does.

    A point that is there already is passed over. To look for each first costs a fourth of the whole,
    and most never are there: so where the statement is a transaction by itself, and nothing is left
    of it when it fails, it is tried without looking.
    """
    arguments = (*runs.columns, *points.columns())
    states: list[int]
    if not connection.is_in_transaction():
        with suppress(UniqueViolationError):
            states = await connection.fetchval(_APPEND_UNSEEN_METRICS, *arguments)
            return states
    states = await connection.fetchval(SQL["append_metrics"], *arguments)
    return states


def _extra_columns(
    extras: Mapping[int, Extras], numbers: Sequence[int]
) -> Iterable[Sequence[str | None]]:
    """Return models, dataset names and digests; empty columns read as NULLs."""
    if not extras:
        return [], [], []
    return zip(*(extras.get(number, NO_EXTRAS) for number in numbers), strict=True)


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
