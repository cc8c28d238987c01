"""Labels of traces: tags, metadata, and links to runs and prompts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "labels")

Kind = Literal["tag", "metadata", "run", "prompt"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A trace that gets labels, and its experiment."""

    trace_id: str
    experiment_id: int


Row = tuple[str, int, str, str, str]
"""Trace, experiment, kind, key, value."""

Key = tuple[str, Kind, str]
"""Trace, kind, key."""


def rows(trace: Labelled, kind: Kind, labels: Mapping[str, str]) -> list[Row]:
    """Return the rows of some labels of a trace."""
    return [
        (trace.trace_id, trace.experiment_id, kind, key, value) for key, value in labels.items()
    ]


async def set_all(tx: Transaction, labels: Iterable[Row]) -> None:
    """Set labels, or overwrite them. Of two with the same key the last one counts."""
    if columns := _columns(labels):
        await tx.execute(SQL["set_labels"], tx.project, *columns)


async def add_all(tx: Transaction, labels: Iterable[Row]) -> None:
    """Set those labels that are missing."""
    if columns := _columns(labels):
        await tx.execute(SQL["add_labels"], tx.project, *columns)


async def delete(tx: Transaction, trace_id: str, kind: Kind, key: str) -> bool:
    """Remove a label; False if there was none."""
    return await tx.row(SQL["delete_label"], tx.project, trace_id, kind, key) is not None


async def values(
    tx: Transaction, trace_ids: Sequence[str], kinds: Sequence[Kind], keys: Sequence[str]
) -> dict[Key, str]:
    """Return the values of those labels that some traces have with one of the kinds and one of the keys."""
    columns = (list(each) for each in (trace_ids, kinds, keys))
    found = await tx.rows(SQL["values_of_labels"], tx.project, *columns)
    return {(row["trace_id"], row["kind"], row["key"]): row["value"] for row in found}


def _columns(labels: Iterable[Row]) -> list[list[object]]:
    # A statement can't write a row twice.
    distinct = {(trace, kind, key): row for row in labels for trace, _, kind, key, _ in [row]}
    return [list(column) for column in zip(*distinct.values(), strict=True)]
