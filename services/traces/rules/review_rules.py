"""The rules for review queues, in the words of MLflow (``mlflow/genai/review_queues/validation.py``)."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.contracts.errors import invalid
from shared.contracts.review_queues import CreateReviewQueue, ReviewQueueType, ReviewStatus

LONGEST_NAME = 250
LONGEST_USER = 250
LONGEST_SCHEMA_ID = 36
LONGEST_ITEM_ID = 50
MOST_USERS = 10
RESERVED_NAME = "default"
"""The user of a server without users, whose own queue has this name."""


class NewQueue(NamedTuple):
    """A queue as it is stored."""

    name: str
    queue_type: ReviewQueueType
    users: list[str]
    schema_ids: list[str]
    owner: str | None = None


def new_queue(cmd: CreateReviewQueue) -> NewQueue:
    """Return the queue of a request. Raises DomainError unless it may be made."""
    kind = cmd.queue_type
    if kind is ReviewQueueType.REVIEW_QUEUE_TYPE_UNSPECIFIED:
        raise invalid("`queue_type` must be one of USER or CUSTOM; got proto enum value 0.")
    users, schema_ids = users_of(cmd.users), schema_ids_of(cmd.schema_ids)
    if kind is ReviewQueueType.CUSTOM:
        return NewQueue(custom_name(cmd.name), kind, users, schema_ids)
    name = user_of(cmd.name)
    _check_text(name, "name", LONGEST_NAME)
    if users and users != [name]:
        message = (
            "A user queue must have exactly one assigned user equal to its name; "
            f"got name={name!r} and users={users!r}."
        )
        raise invalid(message)
    if schema_ids:
        message = (
            "A user queue cannot have explicitly-attached schemas; it resolves to all of the experiment's label "
            "schemas."
        )
        raise invalid(message)
    return NewQueue(name, kind, [name], [])


def user_of(text: str) -> str:
    """Return a user's name in the one form in which names are stored and compared."""
    return text.strip().lower()


def users_of(given: Sequence[str]) -> list[str]:
    """Return users in that form. Raises DomainError for too many, or a name that is empty or too long."""
    users = list(dict.fromkeys(map(user_of, given)))
    for user in users:
        _check_text(user, "user", LONGEST_USER)
    if len(users) > MOST_USERS:
        message = f"A review queue can have at most {MOST_USERS} assigned users; got {len(users)}."
        raise invalid(message)
    return users


def schema_ids_of(given: Sequence[str]) -> list[str]:
    """Return the ids of label schemas. Raises DomainError for one that is empty or too long."""
    return _ids_of(given, "schema_id", LONGEST_SCHEMA_ID)


def item_ids_of(given: Sequence[str]) -> list[str]:
    """Return the ids of items. Raises DomainError for none, or for one that is empty or too long."""
    if not given:
        raise invalid("`item_ids` must be a non-empty list; got [].")
    return _ids_of(given, "item_id", LONGEST_ITEM_ID)


def _ids_of(given: Sequence[str], field: str, longest: int) -> list[str]:
    ids = list(dict.fromkeys(each.strip() for each in given))
    for each in ids:
        _check_text(each, field, longest)
    return ids


def custom_name(given: str) -> str:
    """Return the name of a custom queue. Raises DomainError for one that it may not have."""
    name = given.strip()
    _check_text(name, "name", LONGEST_NAME)
    if name.lower() == RESERVED_NAME:
        message = f"`{name}` is a reserved queue name and cannot be used for a custom queue."
        raise invalid(message)
    return name


def owner_of(given: str) -> str:
    """Return the new owner of a queue. Raises DomainError for a name that is empty or too long."""
    owner = given.strip()
    _check_text(owner, "new_owner", LONGEST_USER)
    return owner


def completed_by(status: ReviewStatus, given: str | None, caller: str) -> str | None:
    """Return the user whom a status is ascribed to; None for an item that waits.

    It is the caller. Only a caller without a name names a user. Raises DomainError if no user is named, or if
    one is named for an item that waits again.
    """
    if status is ReviewStatus.REVIEW_STATUS_UNSPECIFIED:
        message = "`status` must be one of PENDING, COMPLETE, or DECLINED; got proto enum value 0."
        raise invalid(message)
    waits = status is ReviewStatus.PENDING
    if caller:
        return None if waits else user_of(caller)
    if waits:
        if given is not None:
            raise invalid("`completed_by` must not be set when reopening an item to `pending`.")
        return None
    user = user_of(given or "")
    if not user:
        message = f"`completed_by` is required when setting status to `{status.lower()}`."
        raise invalid(message)
    if len(user) > LONGEST_USER:
        message = f"`completed_by` must be at most {LONGEST_USER} characters; got {len(user)}."
        raise invalid(message)
    return user


def _check_text(value: str, field: str, longest: int) -> None:
    if not value:
        raise invalid(f"`{field}` must be a non-empty string; got {value!r}.")
    if len(value) > longest:
        raise invalid(f"`{field}` must be at most {longest} characters; got {len(value)}.")
