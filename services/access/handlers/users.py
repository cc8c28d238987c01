"""Users: GitLab's ``/user`` and ``/users``."""

from collections.abc import Mapping

from services.access.actors import Actor
from services.access.handlers import replies
from services.access.store import users
from shared.contracts.access_events import UserChanged
from shared.contracts.accounts import (
    BasicUser,
    BlockUser,
    CreateUser,
    GetUser,
    ListUsers,
    OthersUser,
    SetUserState,
    UnblockUser,
)
from shared.contracts.errors import DomainError, ErrorCode, missing_resource
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def get_user(query: GetUser, tx: Transaction) -> bytes:
    """Return a user."""
    actor = await Actor.authenticated(tx)
    found = await users.find(tx, query.user_id or actor.user_id)
    if found is None:
        raise no_user()
    return replies.one(replies.user_to(actor, OthersUser)(found))


async def list_users(query: ListUsers, tx: Transaction) -> bytes:
    """Return a page of users."""
    actor = await Actor.authenticated(tx)
    found = await users.page(tx, query)
    return replies.page(query, found, replies.user_to(actor, BasicUser))


async def create_user(cmd: CreateUser, tx: Transaction) -> bytes:
    """Create a user."""
    actor = await Actor.authenticated(tx)
    actor.require_admin()
    made = await users.create(
        tx, cmd.username, cmd.name or cmd.username, email=cmd.email, is_admin=cmd.admin
    )
    if made is None:
        raise DomainError(ErrorCode.RESOURCE_CONFLICT, "Username has already been taken")
    return replies.one(replies.user(made))


async def set_user_state(cmd: SetUserState, tx: Transaction) -> bytes:
    """Block or unblock a user."""
    actor = await Actor.authenticated(tx)
    actor.require_admin()
    if cmd.user_id == actor.user_id:
        raise DomainError(ErrorCode.PERMISSION_DENIED, "403 Forbidden - You can't block yourself")
    found = await users.set_state(tx, cmd.user_id, cmd.state)
    if found is None:
        raise no_user()
    tx.emit(UserChanged())
    return b"true"


def no_user() -> DomainError:
    """Return the error for a user that does not exist."""
    return missing_resource("404 User Not Found")


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    GetUser: get_user,
    ListUsers: list_users,
    CreateUser: create_user,
    BlockUser: set_user_state,
    UnblockUser: set_user_state,
}
