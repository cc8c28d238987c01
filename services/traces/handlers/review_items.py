"""Items of review queues: MLflow's ``review-queues/items`` requests."""

from collections.abc import Mapping, Sequence

from asyncpg import Record

from services.traces.handlers.review_queues import queue_not_found
from services.traces.replies.reviewed_pages import bounds, cut
from services.traces.rules.review_rules import completed_by, item_ids_of
from services.traces.store import review_items, review_queues, traces
from services.traces.store.review_items import NewStatus
from shared.contracts import limits
from shared.contracts.errors import DomainError, missing_resource
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.review_queues import (
    AddItemsToReviewQueue,
    ListReviewQueueItems,
    ListReviewQueueItemsReply,
    RemoveItemsFromReviewQueue,
    ReviewQueueItem,
    ReviewQueueItemReply,
    ReviewQueueItemsReply,
    ReviewStatus,
    SetReviewQueueItemStatus,
)
from shared.handling.handlers import Handler
from shared.mlflow.search.max_results import DEFAULT
from shared.mlflow.search.page_token import Search
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

_MOST_NAMED = 100
"""Traces that an error names."""


async def add_items_to_review_queue(
    cmd: AddItemsToReviewQueue, tx: Transaction
) -> ReviewQueueItemsReply:
    """Add traces to a queue. The frame has locked them (``handlers.frames``): a deletion of them finds the items."""
    item_ids = item_ids_of(cmd.item_ids)
    experiment_id = await _experiment_of_queue(tx, cmd.queue_id)
    places = await traces.locked(tx, item_ids)
    if missing := [each for each in item_ids if places.get(each) != experiment_id]:
        raise _not_attachable(missing, cmd.queue_id, experiment_id)
    if await review_queues.lock(tx, cmd.queue_id) is None:
        raise queue_not_found(cmd.queue_id)
    await review_items.add(tx, cmd.queue_id, item_ids, now())
    rows = await review_items.read(tx, cmd.queue_id, item_ids)
    return ReviewQueueItemsReply(items=[_item(row) for row in rows])


def _not_attachable(missing: Sequence[str], queue_id: str, experiment_id: int) -> DomainError:
    shown = [*missing[:_MOST_NAMED], *(["…"] if len(missing) > _MOST_NAMED else [])]
    return missing_resource(
        f"Cannot attach trace(s) {shown} to review queue '{queue_id}': "
        f"they do not exist in experiment '{experiment_id}'."
    )


async def remove_items_from_review_queue(cmd: RemoveItemsFromReviewQueue, tx: Transaction) -> Empty:
    """Take items out of a queue."""
    item_ids = item_ids_of(cmd.item_ids)
    await _experiment_of_queue(tx, cmd.queue_id)
    await review_items.remove(tx, cmd.queue_id, item_ids)
    return Empty()


async def list_review_queue_items(
    query: ListReviewQueueItems, tx: Transaction
) -> ListReviewQueueItemsReply:
    """Return a page of items."""
    unspecified = query.status is ReviewStatus.REVIEW_STATUS_UNSPECIFIED
    status = None if unspecified else query.status
    search = Search("review_items", "", (), (query.queue_id, f"status {status}"))
    wanted = DEFAULT if query.max_results is None else query.max_results
    page = bounds(search, query.page_token, wanted, limits.REVIEW_ITEMS_PAGE)
    await _experiment_of_queue(tx, query.queue_id)
    found = await review_items.page(tx, query.queue_id, page, status)
    rows, token = cut(found, page, lambda row: (row["creation_time"], row["item_id"]))
    return ListReviewQueueItemsReply(items=[_item(row) for row in rows], next_page_token=token)


async def set_review_queue_item_status(
    cmd: SetReviewQueueItemStatus, tx: Transaction
) -> ReviewQueueItemReply:
    """Set the status of an item. One that has it already stays ascribed to the user who set it."""
    user = completed_by(cmd.status, cmd.completed_by, tx.envelope.username)
    item_id = cmd.item_id.strip()
    await _experiment_of_queue(tx, cmd.queue_id)
    changed = await review_items.set_status(
        tx, cmd.queue_id, item_id, NewStatus(cmd.status, user, now())
    )
    if changed is not None:
        return ReviewQueueItemReply(item=_item(changed))
    found = await review_items.read(tx, cmd.queue_id, [item_id])
    if not found:
        message = f"Item '{item_id}' is not attached to review queue '{cmd.queue_id}'."
        raise missing_resource(message)
    return ReviewQueueItemReply(item=_item(found[0]))


async def _experiment_of_queue(tx: Transaction, queue_id: str) -> int:
    queue = await review_queues.find(tx, queue_id)
    if queue is None:
        raise queue_not_found(queue_id)
    experiment_id: int = queue["experiment_id"]
    return experiment_id


def _item(row: Record) -> ReviewQueueItem:
    return ReviewQueueItem(
        queue_id=row["queue_id"],
        item_id=row["item_id"],
        status=ReviewStatus(row["status"]),
        completed_by=row["completed_by"],
        completed_time_ms=row["completed_time"],
        creation_time_ms=row["creation_time"],
        last_update_time_ms=row["last_update_time"],
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    AddItemsToReviewQueue: add_items_to_review_queue,
    RemoveItemsFromReviewQueue: remove_items_from_review_queue,
    ListReviewQueueItems: list_review_queue_items,
    SetReviewQueueItemStatus: set_review_queue_item_status,
}
