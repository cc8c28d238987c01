"""Items of review queues."""

from collections.abc import Sequence
from typing import NamedTuple

from asyncpg import Record

from services.traces.replies.reviewed_pages import Bounds
from shared.contracts.review_queues import ReviewStatus
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "review_items")


class NewStatus(NamedTuple):
    """The new status of an item, the user it is ascribed to, and the time."""

    status: ReviewStatus
    user: str | None
    time: int


async def add(tx: Transaction, queue_id: str, item_ids: Sequence[str], time: int) -> None:
    """Add items to a locked queue; those that are there stay as they are."""
    await tx.execute(SQL["add_review_items"], tx.project, queue_id, item_ids, time)


async def read(tx: Transaction, queue_id: str, item_ids: Sequence[str]) -> list[Record]:
    """Return those items that are in a queue, in the order of the ids."""
    return await tx.rows(SQL["read_review_items"], tx.project, queue_id, item_ids)


async def remove(tx: Transaction, queue_id: str, item_ids: Sequence[str]) -> None:
    """Take items out of a queue."""
    await tx.execute(SQL["remove_review_items"], tx.project, queue_id, item_ids)


async def any_in(tx: Transaction, queue_id: str) -> bool:
    """Return whether a queue has items."""
    found: bool = await tx.value(SQL["has_review_items"], tx.project, queue_id)
    return found


async def page(
    tx: Transaction, queue_id: str, bounds: Bounds, status: ReviewStatus | None
) -> list[Record]:
    """Return the rows of a page, and one more if another page follows."""
    values = (tx.project, queue_id, *bounds.after, bounds.limit + 1)
    if status is None:
        return await tx.rows(SQL["list_review_items"], *values)
    return await tx.rows(SQL["list_review_items_of_status"], *values, status)


async def set_status(tx: Transaction, queue_id: str, item_id: str, new: NewStatus) -> Record | None:
    """Set an item's status; None if it has it already, or if there is no such item."""
    return await tx.row(SQL["set_review_item_status"], tx.project, queue_id, item_id, *new)


async def delete_of_traces(
    connection: AnyConnection, project: int, trace_ids: Sequence[str]
) -> None:
    """Take traces that are deleted out of all queues."""
    await connection.execute(SQL["delete_items_of_traces"].sql, project, trace_ids)
