"""Spans, in the partition of the week in which their trace arrived."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from asyncpg import Record

from services.traces.rules.sums import COSTS, Node
from services.traces.store.traces import Place
from shared.contracts import limits
from shared.contracts.spans import Span
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "spans")


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a span in the order of reading. A page begins after one."""

    is_child: bool = False
    start_time: int = -1
    span_id: str = ""


START = Position()
"""Every span comes after this."""


@dataclass(frozen=True, slots=True)
class SpanPage:
    """The stored JSON of some spans; ``last`` is the position of the last one, if others follow."""

    contents: Sequence[str]
    last: Position | None


async def upsert(tx: Transaction, spans: Sequence[Span], places: Mapping[str, Place]) -> None:
    """Store spans. A finished copy replaces what was there."""
    rows = [_row(span, places[span.trace_id]) for span in _distinct(spans)]
    columns = [list(column) for column in zip(*rows, strict=True)]
    await tx.execute(SQL["upsert_spans"], tx.project, *columns)


def _distinct(spans: Sequence[Span]) -> list[Span]:
    """Return one copy of each span: a statement can't write a row twice. The last finished one counts."""
    kept: dict[tuple[str, str], Span] = {}
    for span in spans:
        key = (span.trace_id, span.span_id)
        before = kept.get(key)
        if before is None or before.end_time_ns is None or span.end_time_ns is not None:
            kept[key] = span
    return list(kept.values())


LONGEST_WORD = 250
"""Characters of a type, and of the name of a model or provider. Longer ones are cut: they are in indexes."""


def _row(span: Span, place: Place) -> tuple[object, ...]:
    return (
        place.week,
        span.trace_id,
        span.span_id,
        span.parent_span_id or None,
        span.start_time_ns,
        span.end_time_ns,
        span.name,
        span.type[:LONGEST_WORD],
        span.status,
        span.model_name[:LONGEST_WORD],
        span.model_provider[:LONGEST_WORD],
        json.dumps(span.token_usage) if span.token_usage else None,
        json.dumps(span.cost) if span.cost else None,
        len(span.content),
        span.content,
        place.experiment_id,
        *(_finite(span.cost.get(key)) for key in COSTS),
    )


def _finite(cost: float | None) -> float | None:
    """Return a cost that can be summed; None for one that is no number."""
    return cost if cost is not None and math.isfinite(cost) else None


async def measured(tx: Transaction, weeks: Mapping[str, date]) -> dict[str, list[Node]]:
    """Return the trees of some traces, with what their spans measured. ``weeks`` are those of the traces."""
    rows = await tx.rows(SQL["measured_spans"], tx.project, [*weeks.values()], [*weeks])
    trees: dict[str, list[Node]] = {trace_id: [] for trace_id in weeks}
    for row in rows:
        numbers = _numbers(row["token_usage"]), _numbers(row["cost"])
        trees[row["trace_id"]].append(Node(row["span_id"], row["parent_span_id"], *numbers))
    return trees


def _numbers(text: str | None) -> dict[str, float] | None:
    return json.loads(text) if text else None


async def find_week(tx: Transaction, trace_id: str) -> date | None:
    """Return the week of a trace; None if there is no such trace."""
    week: date | None = await tx.value(SQL["find_week"], tx.project, trace_id)
    return week


async def count(tx: Transaction, trace_id: str, week: date) -> int:
    """Return the number of a trace's spans."""
    number: int = await tx.value(SQL["count_spans"], tx.project, week, trace_id)
    return number


async def page(tx: Transaction, trace_id: str, week: date, after: Position) -> SpanPage:
    """Return the spans after a position, of about ``limits.SPANS_JSON`` characters."""
    rows = await tx.rows(
        SQL["list_spans"],
        tx.project,
        week,
        trace_id,
        after.is_child,
        after.start_time,
        after.span_id,
        limits.SPANS,
        limits.SPANS_JSON,
    )
    return SpanPage([row["content"] for row in rows], _last(rows))


def _last(rows: Sequence[Record]) -> Position | None:
    if not rows or rows[-1]["following"] == len(rows):
        return None
    last = rows[-1]
    return Position(last["is_child"], last["start_time"], last["span_id"])
