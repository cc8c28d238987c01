"""Issues of experiments."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from asyncpg import Record

from shared.contracts import limits
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "issues")

_FIXED = 500
"""Bytes of ids, times and names of fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIssue:
    """The columns of an issue. ``create_time`` is in milliseconds."""

    issue_id: str
    experiment_id: int
    name: str
    description: str
    status: str
    severity: str | None
    root_causes: Sequence[str]
    categories: Sequence[str]
    source_run_id: str | None
    created_by: str | None
    create_time: int

    @property
    def size(self) -> int:
        """About the bytes in a reply."""
        texts = (self.name, self.description, *self.root_causes, *self.categories)
        return _FIXED + sum(len(text.encode()) for text in texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueChange:
    """The new values of an issue's columns; None for those that stay. ``last_update_time`` is in milliseconds."""

    name: str | None
    description: str | None
    status: str | None
    severity: str | None
    last_update_time: int


async def insert(tx: Transaction, new: NewIssue) -> Record:
    """Store an issue and return it."""
    (row,) = await tx.rows(
        SQL["insert_issue"],
        tx.project,
        new.issue_id,
        new.experiment_id,
        new.name,
        new.description,
        new.status,
        new.severity,
        list(new.root_causes),
        list(new.categories),
        new.source_run_id,
        new.created_by,
        new.create_time,
        new.size,
    )
    return row


async def lock(connection: AnyConnection, keys: Collection[tuple[int, str]]) -> None:
    """Lock issues, by project and id, in one order."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    await connection.execute(SQL["lock_issues"].sql, *columns)


async def update(tx: Transaction, issue_id: str, change: IssueChange) -> Record | None:
    """Change an issue and return it; None if there is no such issue."""
    return await tx.row(
        SQL["update_issue"],
        tx.project,
        issue_id,
        change.name,
        change.description,
        change.status,
        change.severity,
        change.last_update_time,
    )


async def read(tx: Transaction, issue_ids: Sequence[str]) -> list[Record]:
    """Return those issues that exist, in the order of the ids."""
    return await tx.rows(SQL["read_issues"], tx.project, list(issue_ids))


async def number_that_fits(tx: Transaction, issue_ids: Sequence[str]) -> int:
    """Return how many of some issues, from the first one on, fit into a reply; at least one."""
    rows = await tx.rows(SQL["sizes_of_issues"], tx.project, list(issue_ids))
    sizes = {row["issue_id"]: row["size"] for row in rows}
    total = 0
    for number, issue_id in enumerate(issue_ids):
        total += sizes.get(issue_id, 0)
        if total > limits.ASSESSMENTS_OF_REPLY:
            return max(number, 1)
    return len(issue_ids)


async def trace_counts(tx: Transaction, issue_ids: Sequence[str]) -> dict[str, int]:
    """Return the numbers of traces that refer to those of some issues that have any."""
    rows = await tx.rows(SQL["count_traces_of_issues"], tx.project, list(issue_ids))
    return {row["issue_id"]: row["traces"] for row in rows}


async def delete_some(
    connection: AnyConnection, project: int, experiment_id: int, most: int
) -> int:
    """Delete any issues of an experiment and return their number."""
    rows = await connection.fetch(SQL["delete_some_issues"].sql, project, experiment_id, most)
    return len(rows)
