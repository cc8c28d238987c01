"""Metrics of logged models. A point that names a model is written here, too, besides the run's history."""

from collections.abc import Collection, Sequence

from services.tracking.store.log import ACTIVE, NO_EXTRAS, Points, RunList
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries

SQL = load_queries("services.tracking.sql", "model_metrics")

ModelKey = tuple[int, str]
"""Project and model id."""


async def known_models(
    connection: AnyConnection, wanted: Collection[ModelKey]
) -> frozenset[ModelKey]:
    """Return the models that exist, deleted or not."""
    keys = list(wanted)
    rows = await connection.fetch(
        SQL["known_models"].sql, [key[0] for key in keys], [key[1] for key in keys]
    )
    return frozenset(keys[row["position"] - 1] for row in rows)


async def append(
    connection: AnyConnection, runs: RunList, points: Points, states: Sequence[int]
) -> None:
    """Append the points that name a model and whose run is active (``states``).

    The models must exist. The rows are sorted, so that two workers insert equal ones in the same
    order.
    """
    rows = []
    for run, key, step, timestamp, number, value in points.rows:
        model_id, *dataset = points.extras.get(number, NO_EXTRAS)
        if model_id and states[run] == ACTIVE:
            place = (*runs.keys[run], model_id, key, timestamp, step)
            rows.append((place, value, dataset))
    rows.sort(key=lambda row: row[0])
    columns = zip(*((*place, value, *dataset) for place, value, dataset in rows), strict=True)
    if rows:
        await connection.execute(SQL["append_model_metrics"].sql, *map(list, columns))
