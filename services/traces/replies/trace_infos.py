"""Reads traces with their assessments, in the forms of MLflow 2 and 3."""

from collections.abc import Sequence
from typing import Any

from asyncpg import Record
from pydantic_core import to_json

from services.traces.replies.trace_json import trace_info
from services.traces.store import assessments, traces
from services.traces.validation import trace_not_found
from shared.contracts import limits
from shared.contracts.errors import invalid
from shared.contracts.traces import TraceForm
from shared.postgres.transaction import Transaction


async def with_assessments(
    tx: Transaction, rows: Sequence[Record], form: TraceForm
) -> list[dict[str, Any]]:
    """Return traces of ``store.traces.read`` in a form. Raises DomainError if they are too large for one reply."""
    if form == "v2":
        return [trace_info(row, form) for row in rows]
    sizes = await assessments.sizes(tx, [row["trace_id"] for row in rows])
    if len(rows) > 1 and sum(sizes.values()) > limits.ASSESSMENTS_OF_REPLY:
        message = (
            f"The assessments of these traces have {sum(sizes.values())} bytes. An answer can have "
            f"{limits.ASSESSMENTS_OF_REPLY}. Ask for fewer traces."
        )
        raise invalid(message)
    found = await assessments.of_traces(tx, list(sizes)) if sizes else {}
    return [trace_info(row, form, found.get(row["trace_id"], ())) for row in rows]


async def info_reply(tx: Transaction, trace_id: str, form: TraceForm) -> bytes:
    """Return ``{"trace_info": …}`` of MLflow 2, or ``{"trace": {"trace_info": …}}`` of MLflow 3."""
    rows = await traces.read(tx, [trace_id])
    if not rows:
        raise trace_not_found(trace_id)
    (info,) = await with_assessments(tx, rows, form)
    reply: dict[str, Any] = {"trace_info": info}
    return to_json(reply if form == "v2" else {"trace": reply})


async def number_that_fits(tx: Transaction, trace_ids: Sequence[str]) -> int:
    """Return how many of some traces, from the first one on, fit into a reply; at least one."""
    sizes = await assessments.sizes(tx, trace_ids)
    total = 0
    for number, trace_id in enumerate(trace_ids):
        total += sizes.get(trace_id, 0)
        if total > limits.ASSESSMENTS_OF_REPLY:
            return max(number, 1)
    return len(trace_ids)
