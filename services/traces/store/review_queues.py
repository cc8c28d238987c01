"""Review queues and their users, without their items."""

from typing import NamedTuple

from asyncpg import Record

from services.traces.replies.reviewed_pages import Bounds
from services.traces.rules.review_rules import NewQueue
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "review_queues")


class Change(NamedTuple):
    """What is changed of a queue; None stays."""

    name: str | None
    owner: str | None
    schema_ids: list[str] | None
    users: list[str] | None


async def insert(
    tx: Transaction, queue_id: str, experiment_id: int, new: NewQueue, time: int
) -> bool:
    """Insert a queue; False if its name is taken."""
    values = (queue_id, experiment_id, new.name, new.name.lower(), new.queue_type, new.owner)
    schema_ids, users = sorted(new.schema_ids), new.users
    row = await tx.row(SQL["insert_review_queue"], tx.project, *values, schema_ids, time, users)
    return row is not None


async def find(tx: Transaction, queue_id: str) -> Record | None:
    """Return a queue."""
    return await tx.row(SQL["find_review_queue"], tx.project, queue_id)


async def find_by_name(tx: Transaction, experiment_id: int, name: str) -> Record | None:
    """Return the queue with a name, whatever its case."""
    values = (tx.project, experiment_id, name.lower())
    return await tx.row(SQL["find_review_queue_by_name"], *values)


async def lock(tx: Transaction, queue_id: str) -> Record | None:
    """Lock and return a queue, without its users."""
    return await tx.row(SQL["lock_review_queue"], tx.project, queue_id)


async def page(
    tx: Transaction, experiment_id: int, bounds: Bounds, user: str | None, item_id: str | None
) -> list[Record]:
    """Return ``queue_id`` and ``creation_time`` of a page of queues, and of one more if another page follows."""
    values = (tx.project, experiment_id, *bounds.after, bounds.limit + 1)
    if item_id is not None:
        return await tx.rows(SQL["list_review_queues_with_item"], *values, item_id, user)
    if user is not None:
        return await tx.rows(SQL["list_review_queues_of_user"], *values, user)
    return await tx.rows(SQL["list_review_queues"], *values)


async def read(tx: Transaction, queue_ids: list[str]) -> list[Record]:
    """Return queues, newest first."""
    return await tx.rows(SQL["read_review_queues"], tx.project, queue_ids)


async def update(tx: Transaction, queue_id: str, change: Change, time: int) -> None:
    """Change a locked queue. Raises UniqueViolationError if another one has just taken the name."""
    name_key = change.name and change.name.lower()
    schema_ids = None if change.schema_ids is None else sorted(change.schema_ids)
    values = (queue_id, change.name, name_key, change.owner, schema_ids, time)
    await tx.execute(SQL["update_review_queue"], tx.project, *values)
    if change.users is not None:
        users = SQL["replace_review_queue_users"]
        await tx.execute(users, tx.project, queue_id, change.users)


async def delete(tx: Transaction, queue_id: str) -> None:
    """Delete a queue. Its items are deleted later."""
    # The lock comes in a statement before: the deletion then sees all of the queue's users.
    if await lock(tx, queue_id) is not None:
        await tx.execute(SQL["delete_review_queue"], tx.project, queue_id)
