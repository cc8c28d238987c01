"""The copies of folded runs: their documents, and their newest metrics, by which they are searched."""

from collections.abc import Iterable, Sequence
from math import isnan
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from services.tracking.store.compression import packed, unpacked
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries

SQL = load_queries("services.tracking.sql", "folding")

RunKey = tuple[int, UUID]
"""Project and run id."""

Newest = tuple[int, str, float, int, UUID]
"""A row of ``newest_metrics``: experiment number, key, value, start time, run id."""


def columns(runs: Sequence[RunKey]) -> tuple[list[int], list[UUID]]:
    """Return the projects and the run ids, to bind as arrays."""
    return [project for project, _ in runs], [run_id for _, run_id in runs]


async def fold(connection: AnyConnection, runs: Sequence[RunKey]) -> None:
    """Store the copies of runs, and set ``folded``. The runs are locked, and nothing is being written to them."""
    added: list[Newest] = []
    removed: list[Newest] = []
    documents = []
    for project, run_id, number, start_time, keys, values, members, old in await connection.fetch(
        SQL["read_runs"].sql, *columns(runs)
    ):
        now = dict(zip(keys, values, strict=True))
        before = _metrics(old) if old is not None else {}
        added += [(number, key, now[key], start_time, run_id) for key in _changed(now, before)]
        removed += [(number, key, before[key], start_time, run_id) for key in _changed(before, now)]
        documents.append((project, run_id, number, start_time, packed(members.encode())))
    await _change(connection, "insert_newest", added)
    await _change(connection, "delete_newest", removed)
    await connection.execute(SQL["store_documents"].sql, *map(list, zip(*documents, strict=True)))


async def forget(
    connection: AnyConnection, project: int, runs: Sequence[UUID], experiments: Sequence[int]
) -> None:
    """Delete the copies of runs that are being purged. ``experiments`` has the experiment of each run."""
    gone = await connection.fetch(SQL["take_documents"].sql, project, runs, experiments)
    removed = [
        (number, key, value, start_time, run_id)
        for run_id, number, start_time, document in gone
        for key, value in _metrics(document).items()
    ]
    await _change(connection, "delete_newest", removed)


def _metrics(document: bytes) -> dict[str, float]:
    """Return the newest metrics that a document has."""
    members: dict[str, Any] = from_json(b"{%b}" % unpacked(document))
    return {metric["key"]: float(metric["value"]) for metric in members["data"]["metrics"]}


def _changed(values: dict[str, float], others: dict[str, float]) -> Iterable[str]:
    """Return the keys whose values are not the others'."""
    return (
        key
        for key, value in values.items()
        if key not in others or not _is_same(value, others[key])
    )


def _is_same(value: float, other: float) -> bool:
    """Compare as PostgreSQL does: NaN is equal to NaN."""
    return value == other or (isnan(value) and isnan(other))


async def _change(connection: AnyConnection, query: str, rows: Sequence[Newest]) -> None:
    if rows:
        await connection.execute(SQL[query].sql, *map(list, zip(*rows, strict=True)))
