"""Tokens of projects and groups (GitLab's ``access_tokens``). A bot user is created for each token."""

import secrets
from collections.abc import Mapping

from services.access.actors import Actor, SourceAccess, find_source, forbidden
from services.access.handlers import replies
from services.access.handlers.tokens import checked_end, find_token, replace, revoke
from services.access.store import members, tokens, users
from services.access.store.tokens import FoundToken, NewToken
from shared.contracts.access_events import MemberChanged
from shared.contracts.errors import DomainError, ErrorCode, missing_resource
from shared.contracts.members import SourceReference
from shared.contracts.message import Message
from shared.contracts.tokens import (
    CreateAccessToken,
    GetAccessToken,
    ListAccessTokens,
    OneToken,
    RevokeAccessToken,
    RotateAccessToken,
)
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def list_access_tokens(query: ListAccessTokens, tx: Transaction) -> bytes:
    """Return a page of a project's or a group's tokens."""
    access = await _find_manageable(tx, query)
    found = await tokens.page(tx, None, access.source, access.actor.today, query)
    return replies.page(query, found, lambda token: replies.token(token, access.actor.today))


async def get_access_token(query: GetAccessToken, tx: Transaction) -> bytes:
    """Return a token of a project or a group."""
    access = await _find_manageable(tx, query)
    return replies.one(replies.token(await _find(tx, access, query), access.actor.today))


async def create_access_token(cmd: CreateAccessToken, tx: Transaction) -> bytes:
    """Create a token and its bot user. The token's role may not be above the caller's."""
    access = await _find_manageable(tx, cmd)
    if access.actor.is_bot or cmd.access_level > access.role:
        raise forbidden()
    today = access.actor.today
    end = checked_end(cmd.expires_at, today)
    kind, number = (
        ("group", access.source.namespace_id)
        if access.is_group
        else ("project", access.source.project_id)
    )
    username = f"{kind}_{number}_bot_{secrets.token_hex(16)}"
    bot = await users.create(tx, username, cmd.name, is_bot=True)
    if bot is None:
        raise DomainError(ErrorCode.RESOURCE_CONFLICT, "Username has already been taken")
    await members.add(tx, access.source, bot.user_id, cmd.access_level)
    new = NewToken(
        digest=cmd.new_digest,
        user_id=bot.user_id,
        name=cmd.name,
        description=cmd.description,
        scopes=sorted(set(cmd.scopes)),
        expires_at=end,
        source=access.source,
    )
    tx.emit(MemberChanged())
    return replies.one(replies.token(await tokens.create(tx, new), today))


async def rotate_access_token(cmd: RotateAccessToken, tx: Transaction) -> bytes:
    """Replace a token. A token may rotate itself without the right to manage tokens."""
    actor = await Actor.authenticated(tx)
    access = await find_source(tx, actor, cmd)
    if cmd.token_id != "self":  # noqa: S105
        access.require_management()
    return await replace(tx, await _find(tx, access, cmd), cmd, actor.today)


async def revoke_access_token(cmd: RevokeAccessToken, tx: Transaction) -> bytes:
    """Revoke a token of a project or a group."""
    access = await _find_manageable(tx, cmd)
    await revoke(tx, await _find(tx, access, cmd))
    return b""


async def _find_manageable(tx: Transaction, reference: SourceReference) -> SourceAccess:
    access = await find_source(tx, await Actor.authenticated(tx), reference)
    access.require_management()
    return access


async def _find(tx: Transaction, access: SourceAccess, of: OneToken) -> FoundToken:
    found = await find_token(tx, of)
    if not found.is_of(access.source):
        raise missing_resource("404 Token Not Found")
    if (found.access_level or 0) > access.role:
        raise forbidden()
    return found


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListAccessTokens: list_access_tokens,
    GetAccessToken: get_access_token,
    CreateAccessToken: create_access_token,
    RotateAccessToken: rotate_access_token,
    RevokeAccessToken: revoke_access_token,
}
