"""Groups: GitLab's ``/groups``."""

from collections.abc import Mapping

from services.access.actors import Actor, find_group, forbidden
from services.access.handlers import replies
from services.access.policy import Role
from services.access.store import groups, members
from services.access.store.members import Source
from shared.contracts.access_events import ProjectChanged
from shared.contracts.accounts import CreateGroup, GetGroup, ListGroups
from shared.contracts.errors import invalid
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def list_groups(query: ListGroups, tx: Transaction) -> bytes:
    """Return a page of groups."""
    actor = await Actor.or_anonymous(tx)
    found = await groups.page(tx, actor.user_id, actor.today, query, every=actor.is_admin)
    return replies.page(query, found, replies.group)


async def get_group(query: GetGroup, tx: Transaction) -> bytes:
    """Return a group."""
    return replies.one(
        replies.group(await find_group(tx, await Actor.or_anonymous(tx), query.group))
    )


async def create_group(cmd: CreateGroup, tx: Transaction) -> bytes:
    """Create a group at the top level, or in a group of which the caller is Owner. Bots may not do this."""
    actor = await Actor.authenticated(tx)
    if actor.is_bot:
        raise forbidden()
    if cmd.parent_id is not None:
        above = await find_group(tx, actor, str(cmd.parent_id))
        if above.role < Role.OWNER and not actor.is_admin:
            raise forbidden()
    number = await groups.create(tx, cmd)
    if number is None:
        raise invalid('Failed to save group {:path=>["has already been taken"]}')
    await members.add(tx, Source(number, None), actor.user_id, Role.OWNER)
    tx.emit(ProjectChanged())
    return replies.one(replies.group(await find_group(tx, actor, str(number))))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListGroups: list_groups,
    GetGroup: get_group,
    CreateGroup: create_group,
}
