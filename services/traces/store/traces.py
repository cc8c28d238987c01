"""Traces: their rows, without labels and spans."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date

from asyncpg import Record

from services.traces.store import review_items
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "traces")


@dataclass(frozen=True, slots=True)
class NewTrace:
    """A trace as its client describes it. Times are milliseconds."""

    trace_id: str
    experiment_id: int
    request_time: int
    execution_duration: int | None
    state: str
    client_request_id: str | None = None
    request_preview: str | None = None
    response_preview: str | None = None
    finalized: bool = True
    tokens: Sequence[int | None] | None = None
    """Numbers by ``sums.TOKEN_COLUMNS``; None: what is stored stays."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a missing trace is made of, until the command that makes it has written the rest."""

    experiment_id: int
    request_time: int
    state: str


@dataclass(frozen=True, slots=True)
class MetTrace:
    """The trace as some of its spans describe it. Times are milliseconds; ``state`` is that of the root span."""

    trace_id: str
    start_time: int
    end_time: int | None
    state: str | None
    request_preview: str | None
    response_preview: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a trace: its experiment, and the week whose partition has its spans."""

    experiment_id: int
    week: date
    finalized: bool


async def lock(
    connection: AnyConnection, wanted: Mapping[tuple[int, str], Beginning | None]
) -> list[tuple[int, str]]:
    """Lock traces, by project and id, in one order. Makes missing ones that have a beginning, and returns those."""
    rows = [
        (*key, *((begun.experiment_id, begun.request_time, begun.state) if begun else (None,) * 3))
        for key, begun in wanted.items()
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    made = await connection.fetch(SQL["lock_traces"].sql, *columns)
    return [(row["project_id"], row["trace_id"]) for row in made]


async def start(tx: Transaction, trace: NewTrace) -> bool:
    """Store what a client knows of a trace that is there; False if it is not.

    What hangs on it follows it into another experiment.
    """
    row = await tx.row(SQL["start_trace"], tx.project, *astuple(trace))
    if row and row["moved"]:
        key = (tx.project, trace.trace_id, trace.experiment_id)
        await tx.execute(SQL["move_labels"], *key)
        await tx.execute(SQL["move_spans"], *key, row["week"])
        await tx.execute(SQL["move_assessments"], *key)
        # The queues are those of the other experiment.
        await review_items.delete_of_traces(tx.connection, tx.project, [trace.trace_id])
    return row is not None


async def end(tx: Transaction, trace_id: str, end_time: int, state: str) -> int | None:
    """End a trace and return its experiment; None if there is no such trace."""
    found: int | None = await tx.value(SQL["end_trace"], tx.project, trace_id, end_time, state)
    return found


async def set_tokens(tx: Transaction, tokens: Mapping[str, Sequence[int | None]]) -> None:
    """Store the tokens of traces, by ``sums.TOKEN_COLUMNS``."""
    if tokens:
        columns = [list(column) for column in zip(*tokens.values(), strict=True)]
        await tx.execute(SQL["set_tokens"], tx.project, list(tokens), *columns)


async def meet(tx: Transaction, traces: Sequence[MetTrace]) -> dict[str, Place]:
    """Add to traces what some spans say about them. Returns where each trace is that is there."""
    columns = [list(column) for column in zip(*map(astuple, traces), strict=True)]
    rows = await tx.rows(SQL["meet_traces"], tx.project, *columns)
    return {
        row["trace_id"]: Place(row["experiment_id"], row["week"], row["finalized"]) for row in rows
    }


async def locked(tx: Transaction, trace_ids: Sequence[str]) -> dict[str, int]:
    """Return the experiments of those traces that exist, and that this frame has locked."""
    rows = await tx.rows(SQL["locked_traces"], tx.project, list(trace_ids))
    return {row["trace_id"]: row["experiment_id"] for row in rows}


async def experiments(tx: Transaction, trace_ids: Sequence[str]) -> dict[str, int]:
    """Return the experiments of those traces that exist."""
    rows = await tx.rows(SQL["experiments_of_traces"], tx.project, list(trace_ids))
    return {row["trace_id"]: row["experiment_id"] for row in rows}


async def read(tx: Transaction, trace_ids: Sequence[str]) -> list[Record]:
    """Return those traces that exist, with their labels, in the order of the ids."""
    return await tx.rows(SQL["read_traces"], tx.project, list(trace_ids))
