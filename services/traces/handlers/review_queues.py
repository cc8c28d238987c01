"""Review queues: MLflow's ``review-queues`` requests, except those for items."""

from collections.abc import Mapping

from asyncpg import Record

from services.traces.experiments import existing_experiment, parse_experiment_id
from services.traces.replies.reviewed_pages import bounds, cut
from services.traces.rules.label_rules import default_id
from services.traces.rules.review_rules import (
    NewQueue,
    custom_name,
    new_queue,
    owner_of,
    schema_ids_of,
    user_of,
    users_of,
)
from services.traces.store import label_schemas, review_items, review_queues
from services.traces.store.review_queues import Change
from shared.contracts import limits
from shared.contracts.errors import DomainError, already_exists, invalid, missing_resource
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.review_queues import (
    CreateReviewQueue,
    DeleteReviewQueue,
    GetOrCreateUserQueue,
    GetReviewQueue,
    GetReviewQueueByName,
    ListReviewQueues,
    ListReviewQueuesReply,
    ReviewQueue,
    ReviewQueueReply,
    ReviewQueueType,
    UpdateReviewQueue,
)
from shared.handling.handlers import Handler
from shared.mlflow.search.max_results import DEFAULT
from shared.mlflow.search.page_token import Search
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now


async def create_review_queue(cmd: CreateReviewQueue, tx: Transaction) -> ReviewQueueReply:
    """Make a queue, whose owner is the caller. Its id derives from the command's."""
    queue = new_queue(cmd)
    experiment_id = parse_experiment_id(cmd.experiment_id)
    await _check_schemas(tx, experiment_id, queue.schema_ids)
    made = await _make(tx, experiment_id, queue._replace(owner=tx.envelope.username or None))
    if made is None:
        raise _taken(queue.name)
    return made


async def get_or_create_user_queue(cmd: GetOrCreateUserQueue, tx: Transaction) -> ReviewQueueReply:
    """Return a user's own queue. The user owns it, also if another one asks."""
    queue = new_queue(
        CreateReviewQueue(
            experiment_id=cmd.experiment_id, name=cmd.user, queue_type=ReviewQueueType.USER
        )
    )
    experiment_id = parse_experiment_id(cmd.experiment_id)
    existing = await review_queues.find_by_name(tx, experiment_id, queue.name)
    if existing is None:
        made = await _make(tx, experiment_id, queue._replace(owner=queue.name))
        if made is not None:
            return made
        # Another process has just made it.
        existing = await review_queues.find_by_name(tx, experiment_id, queue.name)
    if existing is None or existing["queue_type"] != ReviewQueueType.USER:
        message = f"A non-user queue named '{queue.name}' already exists; cannot get-or-create a user queue with that name."
        raise already_exists(message)
    return _reply(existing)


async def _make(tx: Transaction, experiment_id: int, queue: NewQueue) -> ReviewQueueReply | None:
    """Insert a queue; None if its name is taken."""
    queue_id = f"rq-{tx.envelope.id.hex}"
    if not await review_queues.insert(tx, queue_id, experiment_id, queue, now()):
        return None
    return _reply(await _find(tx, queue_id))


async def get_review_queue(query: GetReviewQueue, tx: Transaction) -> ReviewQueueReply:
    """Return a queue."""
    return _reply(await _find(tx, query.queue_id))


async def get_review_queue_by_name(
    query: GetReviewQueueByName, tx: Transaction
) -> ReviewQueueReply:
    """Return the queue of a name."""
    experiment_id = await existing_experiment(tx, query.experiment_id)
    found = await review_queues.find_by_name(tx, experiment_id, query.name)
    if found is None:
        message = f"Review queue with name '{query.name}' not found for experiment '{query.experiment_id}'."
        raise missing_resource(message)
    return _reply(found)


async def list_review_queues(query: ListReviewQueues, tx: Transaction) -> ListReviewQueuesReply:
    """Return a page of queues."""
    user = None if query.user is None else user_of(query.user)
    filters = (query.experiment_id, f"user {user}", f"item {query.item_id}")
    search = Search("review_queues", "", (), filters)
    wanted = DEFAULT if query.max_results is None else query.max_results
    page = bounds(search, query.page_token, wanted, limits.REVIEWED_PAGE)
    experiment_id = await existing_experiment(tx, query.experiment_id)
    found = await review_queues.page(tx, experiment_id, page, user, query.item_id)
    rows, token = cut(found, page, lambda row: (row["creation_time"], row["queue_id"]))
    queues = await review_queues.read(tx, [row["queue_id"] for row in rows])
    return ListReviewQueuesReply(
        review_queues=[_queue(row) for row in queues], next_page_token=token
    )


async def update_review_queue(cmd: UpdateReviewQueue, tx: Transaction) -> ReviewQueueReply:
    """Change a custom queue. Its questions can't be changed while it has items, some of which may be answered."""
    queue = await review_queues.lock(tx, cmd.queue_id)
    if queue is None:
        raise queue_not_found(cmd.queue_id)
    if queue["queue_type"] == ReviewQueueType.USER:
        message = "A user queue's name, assigned user, schemas, and owner are fixed and cannot be updated."
        raise invalid(message)
    change = Change(
        owner=None if cmd.new_owner is None else owner_of(cmd.new_owner),
        name=None if cmd.name is None else custom_name(cmd.name),
        users=users_of(cmd.users) if cmd.update_users else None,
        schema_ids=schema_ids_of(cmd.schema_ids) if cmd.update_schema_ids else None,
    )
    await _check_change(tx, queue, change)
    if any(each is not None for each in change):
        await review_queues.update(tx, cmd.queue_id, change, now())
    return _reply(await _find(tx, cmd.queue_id))


async def _check_change(tx: Transaction, queue: Record, change: Change) -> None:
    experiment_id = queue["experiment_id"]
    if change.schema_ids is not None:
        if await review_items.any_in(tx, queue["queue_id"]):
            message = (
                "A review queue's questions are locked once items are assigned to it. "
                "Remove the items before changing its questions."
            )
            raise invalid(message)
        await _check_schemas(tx, experiment_id, change.schema_ids)
    if change.name is None or change.name.lower() == queue["name_key"]:
        return
    if await review_queues.find_by_name(tx, experiment_id, change.name) is not None:
        raise _taken(change.name)


async def delete_review_queue(cmd: DeleteReviewQueue, tx: Transaction) -> Empty:
    """Delete a queue. Assessments of its items stay."""
    await review_queues.delete(tx, cmd.queue_id)
    return Empty()


async def _check_schemas(tx: Transaction, experiment_id: int, schema_ids: list[str]) -> None:
    """Raise DomainError unless all these label schemas are in the experiment."""
    known = await label_schemas.known(tx, experiment_id, schema_ids) if schema_ids else set()
    known.add(default_id(experiment_id))
    if missing := [each for each in schema_ids if each not in known]:
        message = f"Label schema id(s) {missing} not found for experiment '{experiment_id}'."
        raise invalid(message)


async def _find(tx: Transaction, queue_id: str) -> Record:
    found = await review_queues.find(tx, queue_id)
    if found is None:
        raise queue_not_found(queue_id)
    return found


def queue_not_found(queue_id: str) -> DomainError:
    """Return MLflow's error for a queue that does not exist."""
    return missing_resource(f"Review queue with id '{queue_id}' not found.")


def _taken(name: str) -> DomainError:
    return already_exists(
        f"Review queue with name '{name}' already exists (names are case-insensitive)."
    )


def _reply(row: Record) -> ReviewQueueReply:
    return ReviewQueueReply(review_queue=_queue(row))


def _queue(row: Record) -> ReviewQueue:
    return ReviewQueue(
        queue_id=row["queue_id"],
        experiment_id=str(row["experiment_id"]),
        name=row["name"],
        queue_type=ReviewQueueType(row["queue_type"]),
        creation_time_ms=row["creation_time"],
        last_update_time_ms=row["last_update_time"],
        created_by=row["created_by"],
        users=row["users"],
        schema_ids=row["schema_ids"],
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateReviewQueue: create_review_queue,
    GetOrCreateUserQueue: get_or_create_user_queue,
    GetReviewQueue: get_review_queue,
    GetReviewQueueByName: get_review_queue_by_name,
    ListReviewQueues: list_review_queues,
    UpdateReviewQueue: update_review_queue,
    DeleteReviewQueue: delete_review_queue,
}
