"""Deletes traces with all that belongs to them, in portions, and tells which directories in the bucket they leave."""

from collections.abc import Collection, Sequence
from datetime import date

from asyncpg import Record

from services.traces.store import review_items
from shared.contracts.events import TracesDeleted
from shared.handling.context import EmittedEvent
from shared.messaging.messages import new_id
from shared.mlflow.artifact_paths import SCHEME
from shared.postgres import outbox
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "deletion")

PORTION = 500
"""Traces that one transaction deletes."""

SPANS = 20_000
"""Spans that one transaction deletes, unless one trace has more."""

DIRECTORIES = 100
"""Directories that one event names. The artifacts service may have to look for each of them."""


async def delete(
    tx: Transaction,
    experiment_id: int,
    trace_ids: Sequence[str],
    max_time: int | None,
    most: int,
) -> int:
    """Delete traces of an experiment: those with the ids, or without ids the oldest ones up to a time."""
    key = (tx.project, experiment_id)
    if trace_ids:
        chosen = await tx.rows(SQL["choose_traces"], *key, list(trace_ids))
    else:
        chosen = await tx.rows(SQL["choose_oldest_traces"], *key, max_time, most)
    if chosen:
        tx.has_written = True
        await _delete(tx.connection, tx.project, chosen)
    return len(chosen)


async def delete_some(connection: AnyConnection, project: int, experiment_id: int) -> int:
    """Delete a portion of an experiment's traces, in the connection's transaction. Returns how many."""
    chosen = await connection.fetch(
        SQL["choose_some_traces"].sql, project, experiment_id, PORTION, SPANS
    )
    await _delete(connection, project, chosen)
    return len(chosen)


async def delete_expired(
    connection: AnyConnection,
    project: int,
    experiment_id: int,
    kept: int,
    whole_weeks: Collection[date] = (),
) -> int:
    """Delete a portion of the traces that arrived ``kept`` milliseconds ago or earlier, the oldest first.

    Spans of ``whole_weeks`` stay for the moment: these weeks are dropped when their traces are gone.
    """
    chosen = await connection.fetch(
        SQL["choose_expired_traces"].sql,
        project,
        experiment_id,
        float(kept),
        PORTION,
        SPANS,
        list(whole_weeks),
    )
    await _delete(connection, project, chosen, whole_weeks)
    return len(chosen)


async def _delete(
    connection: AnyConnection,
    project: int,
    chosen: Sequence[Record],
    whole_weeks: Collection[date] = (),
) -> None:
    """Delete traces that are locked. The event about their directories is part of the transaction."""
    if not chosen:
        return
    ids = [row["trace_id"] for row in chosen]
    weeks = list({row["week"] for row in chosen} - set(whole_weeks))
    located = await connection.fetch(SQL["artifact_locations"].sql, project, ids)
    if weeks:
        await connection.execute(SQL["delete_spans_of_traces"].sql, project, ids, weeks)
    await connection.execute(SQL["delete_labels_of_traces"].sql, project, ids)
    await connection.execute(SQL["delete_assessments_of_traces"].sql, project, ids)
    await review_items.delete_of_traces(connection, project, ids)
    await connection.execute(SQL["delete_traces"].sql, project, ids)
    uris = [row["value"] for row in located if _is_own(row["value"], row["trace_id"])]
    parts = [uris[start : start + DIRECTORIES] for start in range(0, len(uris), DIRECTORIES)]
    if parts:
        await outbox.append(connection, [_event(project, part) for part in parts])


def _is_own(uri: str, trace_id: str) -> bool:
    """Tell whether a directory is the trace's own, and on this server. Clients can set the tag that names it."""
    return uri.startswith(f"{SCHEME}:") and uri.endswith(f"/traces/{trace_id}/artifacts")


def _event(project: int, uris: Sequence[str]) -> EmittedEvent:
    event = TracesDeleted(artifact_uris=list(uris))
    return EmittedEvent(new_id(), f"{project}.{event.topic}", event.model_dump_json().encode())
