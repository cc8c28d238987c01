"""Members: GitLab's ``/projects/:id/members`` and ``/groups/:id/members``."""

from collections.abc import Mapping

from services.access.actors import Actor, SourceAccess, find_source, forbidden
from services.access.handlers import replies
from services.access.handlers.users import no_user
from services.access.policy import Role
from services.access.store import members, users
from services.access.store.members import FoundMember, Wanted
from services.access.store.pages import LimitOffset
from shared.contracts.access_events import MemberChanged
from shared.contracts.errors import DomainError, ErrorCode, missing_resource
from shared.contracts.members import (
    AddMember,
    GetMember,
    ListMembers,
    RemoveMember,
    SourceReference,
    UpdateMember,
)
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def list_members(query: ListMembers, tx: Transaction) -> bytes:
    """Return a page of members. Members are visible to every user who sees the project or group."""
    access = await find_source(tx, await Actor.authenticated(tx), query)
    wanted = Wanted(query.inherited, query.query, query.user_ids, LimitOffset.of(query))
    found = await members.page(tx, access.source, access.actor.today, wanted)
    return replies.page(query, found, replies.member)


async def get_member(query: GetMember, tx: Transaction) -> bytes:
    """Return a member."""
    access = await find_source(tx, await Actor.authenticated(tx), query)
    return _shown(await _find(tx, access, query.user_id, inherited=query.inherited))


async def add_member(cmd: AddMember, tx: Transaction) -> bytes:
    """Give users a role."""
    access = await _find_manageable(tx, cmd, cmd.access_level)
    numbers = list(dict.fromkeys(int(part) for part in cmd.user_id.split(",")))
    for number in numbers:
        found = await users.find(tx, number)
        if found is None or found.is_bot:
            raise no_user()
    for number in numbers:
        if not await members.add(tx, access.source, number, cmd.access_level, cmd.expires_at):
            raise DomainError(ErrorCode.RESOURCE_CONFLICT, "Member already exists")
    tx.emit(MemberChanged())
    if len(numbers) > 1:
        return b'{"status":"success"}'
    return await _after(tx, access, numbers[0])


async def update_member(cmd: UpdateMember, tx: Transaction) -> bytes:
    """Change a member's role."""
    access = await _find_manageable(tx, cmd, cmd.access_level)
    await _check_owners(tx, access, await _find(tx, access, cmd.user_id), cmd.access_level)
    await members.update(tx, access.source, cmd.user_id, cmd.access_level, cmd.expires_at)
    tx.emit(MemberChanged())
    return await _after(tx, access, cmd.user_id)


async def remove_member(cmd: RemoveMember, tx: Transaction) -> bytes:
    """Remove a member. Every user may remove itself."""
    actor = await Actor.authenticated(tx)
    access = await find_source(tx, actor, cmd)
    found = await _find(tx, access, cmd.user_id)
    if cmd.user_id != actor.user_id:
        access.require_management(found.access_level)
    await _check_owners(tx, access, found, Role.NONE)
    await members.remove(tx, access.source, cmd.user_id)
    tx.emit(MemberChanged())
    return b""


async def _find_manageable(tx: Transaction, reference: SourceReference, level: int) -> SourceAccess:
    access = await find_source(tx, await Actor.authenticated(tx), reference)
    access.require_management(level)
    return access


async def _check_owners(
    tx: Transaction, access: SourceAccess, found: FoundMember, level: int
) -> None:
    """Refuse a change of a member above the caller, and of the last Owner of a group."""
    if found.user_id != access.actor.user_id and found.access_level > access.role:
        raise forbidden()
    last = found.access_level == Role.OWNER and level < Role.OWNER and access.is_group
    if last and not await members.other_owners(tx, access.source, found.user_id):
        raise forbidden("a group needs an Owner")


async def _find(
    tx: Transaction, access: SourceAccess, user_id: int, *, inherited: bool = False
) -> FoundMember:
    found = await members.find(tx, access.source, user_id, access.actor.today, inherited=inherited)
    if found is None:
        raise missing_resource("404 Not found")
    return found


async def _after(tx: Transaction, access: SourceAccess, user_id: int) -> bytes:
    """Return a member after a change, or ``{}`` if the change gave a past expiry date."""
    found = await members.find(tx, access.source, user_id, access.actor.today)
    return _shown(found) if found else b"{}"


def _shown(found: FoundMember) -> bytes:
    return replies.one(replies.member(found))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListMembers: list_members,
    GetMember: get_member,
    AddMember: add_member,
    UpdateMember: update_member,
    RemoveMember: remove_member,
}
