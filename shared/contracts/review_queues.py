"""Review queues: MLflow's ``review-queues`` requests and replies.

A review queue is a list of traces, its items, that users review by answering the questions of label schemas. A user's
own queue has all questions of the experiment; a custom queue has those that are attached to it.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Command,
    Int32,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)
from shared.contracts.proto_enums import ProtoEnum

Users = Annotated[list[Word], AtMost(limits.ENTITIES)]
SchemaIds = Annotated[list[Word], AtMost(limits.QUEUE_SCHEMAS)]
ItemIds = Annotated[list[Word], AtMost(limits.TRACES)]


class ReviewQueueType(ProtoEnum):
    """Whose queue it is: a user's own, or one with any name and users."""

    REVIEW_QUEUE_TYPE_UNSPECIFIED = "REVIEW_QUEUE_TYPE_UNSPECIFIED"
    USER = "USER"
    CUSTOM = "CUSTOM"


class ReviewItemType(ProtoEnum):
    """What an item is. Only traces are supported, as in MLflow."""

    REVIEW_ITEM_TYPE_UNSPECIFIED = "REVIEW_ITEM_TYPE_UNSPECIFIED"
    TRACE = "TRACE"


class ReviewStatus(ProtoEnum):
    """The state of an item in a queue. It is one for all users of the queue."""

    REVIEW_STATUS_UNSPECIFIED = "REVIEW_STATUS_UNSPECIFIED"
    PENDING = "PENDING"
    COMPLETE = "COMPLETE"
    DECLINED = "DECLINED"


class CreateReviewQueue(Command):
    """Make a queue, whose name is new in its experiment, whatever its case. Its owner is the caller."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required
    queue_type: ReviewQueueType = ReviewQueueType.REVIEW_QUEUE_TYPE_UNSPECIFIED
    users: Users = Field(default_factory=list)
    schema_ids: SchemaIds = Field(default_factory=list)


class GetOrCreateUserQueue(Command):
    """Return a user's own queue. It is made if it is missing."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    user: Required


class GetReviewQueue(Query):
    """Return a queue."""

    service: ClassVar[str] = "traces"
    queue_id: Required


class GetReviewQueueByName(Query):
    """Return the queue of a name, whatever its case."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required


class ListReviewQueues(Query):
    """Return a page of an experiment's queues, newest first: all, those of a user, or those with an item."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    user: Word | None = None
    item_id: Word | None = None
    max_results: Int32 | None = None
    page_token: PageToken | None = None


class UpdateReviewQueue(Command):
    """Change a custom queue. The lists are replaced if their flag is set; other fields that are absent stay."""

    service: ClassVar[str] = "traces"
    queue_id: Required
    update_users: bool = False
    users: Users = Field(default_factory=list)
    update_schema_ids: bool = False
    schema_ids: SchemaIds = Field(default_factory=list)
    name: Word | None = None
    new_owner: Word | None = None


class DeleteReviewQueue(Command):
    """Delete a queue with its items. One that is missing is no error."""

    service: ClassVar[str] = "traces"
    queue_id: Required


class AddItemsToReviewQueue(Command):
    """Put traces of the queue's experiment into the queue. Those that are there keep their status."""

    service: ClassVar[str] = "traces"
    queue_id: Required
    item_type: ReviewItemType = ReviewItemType.REVIEW_ITEM_TYPE_UNSPECIFIED
    item_ids: ItemIds = Field(default_factory=list)


class RemoveItemsFromReviewQueue(Command):
    """Take items out of a queue. Those that are missing are no error."""

    service: ClassVar[str] = "traces"
    queue_id: Required
    item_ids: ItemIds = Field(default_factory=list)


class ListReviewQueueItems(Query):
    """Return a page of a queue's items, newest first: all, or those of a status."""

    service: ClassVar[str] = "traces"
    queue_id: Required
    status: ReviewStatus = ReviewStatus.REVIEW_STATUS_UNSPECIFIED
    max_results: Int32 | None = None
    page_token: PageToken | None = None


class SetReviewQueueItemStatus(Command):
    """Set the status of an item. ``completed_by`` counts only for a caller without a name."""

    service: ClassVar[str] = "traces"
    queue_id: Required
    item_id: Required
    status: ReviewStatus = ReviewStatus.REVIEW_STATUS_UNSPECIFIED
    completed_by: Word | None = None


class ReviewQueue(Wire):
    """A queue without its items. Times are Unix milliseconds."""

    queue_id: str
    experiment_id: str
    name: str
    queue_type: ReviewQueueType
    creation_time_ms: int
    last_update_time_ms: int
    created_by: str | None = None
    users: list[str]
    schema_ids: list[str]


class ReviewQueueItem(Wire):
    """An item of a queue. Times are Unix milliseconds."""

    queue_id: str
    item_type: ReviewItemType = ReviewItemType.TRACE
    item_id: str
    status: ReviewStatus
    completed_by: str | None = None
    completed_time_ms: int | None = None
    creation_time_ms: int
    last_update_time_ms: int


class ReviewQueueReply(Wire):
    """A queue."""

    review_queue: ReviewQueue


class ListReviewQueuesReply(Wire):
    """A page of queues; no ``next_page_token`` on the last page."""

    review_queues: list[ReviewQueue]
    next_page_token: str | None = None


class ReviewQueueItemReply(Wire):
    """An item."""

    item: ReviewQueueItem


class ReviewQueueItemsReply(Wire):
    """Items, in the order in which they were named."""

    items: list[ReviewQueueItem]


class ListReviewQueueItemsReply(Wire):
    """A page of items; no ``next_page_token`` on the last page."""

    items: list[ReviewQueueItem]
    next_page_token: str | None = None
