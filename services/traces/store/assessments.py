"""Assessments of traces. The trace is locked before one of them is written."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from asyncpg import Record

from shared.contracts import limits
from shared.contracts.errors import already_exists, invalid
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "assessments")

_FIXED = 500
"""Bytes of ids, times and names of fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAssessment:
    """The columns of an assessment. ``value``, ``error`` and ``metadata`` are JSON; times are milliseconds."""

    assessment_id: str
    kind: str
    name: str
    value: str
    number: float | None
    error: str | None
    rationale: str | None
    metadata: str | None
    source_type: str
    source_id: str | None
    span_id: str | None
    overrides: str | None
    create_time: int
    last_update_time: int
    session: str | None

    @property
    def size(self) -> int:
        """About the bytes in a reply."""
        texts = (self.name, self.value, self.error, self.rationale, self.metadata, self.source_id)
        return _FIXED + sum(len(text.encode()) for text in texts if text)


async def add(
    tx: Transaction, trace_id: str, experiment_id: int, new: Sequence[StoredAssessment]
) -> None:
    """Store assessments of a trace, or overwrite those with the same ids. Raises DomainError if the trace has too many.

    Whether one is valid follows from the others: it is not if one of the trace overrides it.
    """
    if not new:
        return
    # A statement can't write a row twice.
    new = list({each.assessment_id: each for each in new}.values())
    ids = [each.assessment_id for each in new]
    await _check_room(tx, trace_id, ids, new)
    columns = [list(column) for column in zip(*map(_row, new), strict=True)]
    await tx.execute(SQL["upsert_assessments"], tx.project, trace_id, experiment_id, *columns)
    # Those that these override, and these if they come after the one that overrides them.
    touched = [*ids, *(each.overrides for each in new if each.overrides)]
    await tx.execute(SQL["mark_overridden_assessments"], tx.project, trace_id, touched)


def _row(assessment: StoredAssessment) -> tuple[object, ...]:
    return (*astuple(assessment), assessment.size)


async def _check_room(
    tx: Transaction, trace_id: str, ids: Sequence[str], new: Sequence[StoredAssessment]
) -> None:
    others = await tx.row(SQL["measure_other_assessments"], tx.project, trace_id, list(ids))
    number, size = (others["number"], others["size"]) if others else (0, 0)
    if number + len(new) > limits.ASSESSMENTS:
        message = f"A trace can have at most {limits.ASSESSMENTS} assessments."
        raise invalid(message)
    if size + sum(each.size for each in new) > limits.ASSESSMENTS_OF_TRACE:
        message = (
            f"The assessments of a trace can have at most {limits.ASSESSMENTS_OF_TRACE} bytes."
        )
        raise invalid(message)


async def create(tx: Transaction, trace_id: str, experiment_id: int, new: StoredAssessment) -> None:
    """Store an assessment of a trace. Raises DomainError if its id is taken, or the trace has too many."""
    if await find(tx, trace_id, new.assessment_id):
        message = f"Assessment with ID '{new.assessment_id}' already exists for trace '{trace_id}'"
        raise already_exists(message)
    await add(tx, trace_id, experiment_id, [new])


async def find(tx: Transaction, trace_id: str, assessment_id: str) -> Record | None:
    """Return an assessment."""
    return await tx.row(SQL["find_assessment"], tx.project, trace_id, assessment_id)


async def delete(tx: Transaction, trace_id: str, assessment_id: str) -> None:
    """Delete an assessment. The one that it overrides becomes valid, unless another one overrides it, too."""
    row = await tx.row(SQL["delete_assessment"], tx.project, trace_id, assessment_id)
    if row and row["overrides"]:
        await tx.execute(SQL["restore_assessment"], tx.project, trace_id, row["overrides"])


async def of_traces(tx: Transaction, trace_ids: Sequence[str]) -> dict[str, list[Record]]:
    """Return the assessments of some traces, the oldest first."""
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for row in await tx.rows(SQL["assessments_of_traces"], tx.project, list(trace_ids)):
        found[row["trace_id"]].append(row)
    return found


async def sizes(tx: Transaction, trace_ids: Sequence[str]) -> dict[str, int]:
    """Return the bytes of the assessments of those traces that have some."""
    rows = await tx.rows(SQL["sizes_of_assessments"], tx.project, list(trace_ids))
    return {row["trace_id"]: row["size"] for row in rows}
