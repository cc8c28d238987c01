"""Personal access tokens: GitLab's ``/personal_access_tokens``."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from services.access.actors import Actor, forbidden
from services.access.handlers import replies
from services.access.handlers.users import no_user
from services.access.store import sessions, tokens, users
from services.access.store.tokens import FoundToken, NewToken
from shared.contracts.access_events import SessionsEnded, TokensRevoked
from shared.contracts.errors import DomainError, ErrorCode, invalid, missing_resource
from shared.contracts.message import Message
from shared.contracts.tokens import (
    CreateToken,
    GetToken,
    ListTokens,
    OneToken,
    RevokeToken,
    RotateAccessToken,
    Rotated,
    RotateToken,
)
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction

ROTATED_DAYS = 7
"""Lifetime in days of a token that a rotation without a date creates."""

UNAUTHORIZED = "401 Unauthorized"


async def list_tokens(query: ListTokens, tx: Transaction) -> bytes:
    """Return a page of personal tokens."""
    actor = await Actor.authenticated(tx)
    if query.user_id not in (None, actor.user_id) and not actor.is_admin:
        raise DomainError(ErrorCode.UNAUTHENTICATED, UNAUTHORIZED)
    whose = query.user_id if actor.is_admin else actor.user_id
    found = await tokens.page(tx, whose, None, actor.today, query)
    return replies.page(query, found, lambda token: replies.token(token, actor.today))


async def get_token(query: GetToken, tx: Transaction) -> bytes:
    """Return a personal token."""
    actor = await Actor.authenticated(tx)
    return replies.one(replies.token(await _own(tx, actor, query), actor.today))


async def create_token(cmd: CreateToken, tx: Transaction) -> bytes:
    """Create a personal token for a user."""
    actor = await Actor.authenticated(tx)
    actor.require_admin()
    user = await users.find(tx, cmd.user_id)
    if user is None or user.is_bot:
        raise no_user()
    made = await tokens.create(
        tx,
        NewToken(
            digest=cmd.new_digest,
            user_id=cmd.user_id,
            name=cmd.name,
            description=cmd.description,
            scopes=sorted(set(cmd.scopes)),
            expires_at=checked_end(cmd.expires_at, actor.today),
        ),
    )
    return replies.one(replies.token(made, actor.today))


async def rotate_token(cmd: RotateToken, tx: Transaction) -> bytes:
    """Revoke a personal token and create its successor."""
    if cmd.token_id == "self":  # noqa: S105  # GitLab's word.
        own = await find_token(tx, cmd)
        if own.revocation_time is not None:
            return await _reused(tx, own)
    actor = await Actor.authenticated(tx)
    return await replace(tx, await _own(tx, actor, cmd), cmd, actor.today)


async def revoke_token(cmd: RevokeToken, tx: Transaction) -> bytes:
    """Revoke a personal token. A revoked token stays revoked."""
    actor = await Actor.authenticated(tx)
    await revoke(tx, await _own(tx, actor, cmd))
    return b""


async def find_token(tx: Transaction, of: OneToken) -> FoundToken:
    """Return the token that a message names. Raises DomainError."""
    is_own = of.token_id == "self"  # noqa: S105
    number = None if is_own else int(of.token_id)
    digest = bytes.fromhex(of.own_digest) if is_own else None
    found = await tokens.find(tx, number, digest)
    if found is None:
        raise missing_resource("404 Token Not Found")
    return found


async def replace(
    tx: Transaction, old: FoundToken, cmd: RotateToken | RotateAccessToken, today: date
) -> bytes:
    """Revoke a token and create its successor."""
    await tokens.lock_family(tx, old)
    # The token is read again under the lock: a concurrent rotation may have revoked it meanwhile.
    current = await tokens.find(tx, old.token_id, None) or old
    if current.revocation_time is not None:
        return await _reused(tx, current)
    if not current.is_active(today):
        raise DomainError(ErrorCode.UNAUTHENTICATED, UNAUTHORIZED)
    new = NewToken(
        digest=cmd.new_digest,
        user_id=current.user_id,
        name=current.name,
        description=current.description,
        scopes=current.scopes,
        expires_at=checked_end(cmd.expires_at, today) or today + timedelta(days=ROTATED_DAYS),
        source=current.source,
        family_id=current.family_id or current.token_id,
    )
    await revoke(tx, current)
    return replies.one(Rotated(token=replies.token(await tokens.create(tx, new), today)))


async def _reused(tx: Transaction, old: FoundToken) -> bytes:
    """Revoke the whole rotation chain of a token that was already revoked.

    Using a replaced token suggests that it was stolen. The thief and the owner can't be told apart, so both lose
    access.
    """
    await _end_sessions(tx, await tokens.revoke_family(tx, old))
    return replies.one(Rotated(token=None))


async def revoke(tx: Transaction, token: FoundToken) -> None:
    """Revoke a token, end its sessions, and emit the events for the gateways, which cache authorizations."""
    await _end_sessions(tx, await tokens.revoke(tx, token))


def checked_end(end: date | None, today: date) -> date | None:
    """Return the expiry date of a new token. Raises DomainError for a date that is not in the future."""
    if end is not None and end <= today:
        raise invalid("Expiration date must be in the future")
    return end


async def _end_sessions(tx: Transaction, digests: Sequence[str]) -> None:
    """End the sessions of revoked tokens, and emit the events of both."""
    if not digests:
        return
    tx.emit(TokensRevoked(digests=list(digests)))
    if ended := await sessions.delete_of_tokens(tx, digests):
        tx.emit(SessionsEnded(digests=ended))


async def _own(tx: Transaction, actor: Actor, of: OneToken) -> FoundToken:
    """Return the personal token that a message names. Raises DomainError.

    Users may name their own tokens, administrators any token. As in GitLab, a missing token looks like another
    user's token, except to administrators. A token may name itself with ``self``, whatever its type.
    """
    not_yours = DomainError(ErrorCode.UNAUTHENTICATED, UNAUTHORIZED)
    try:
        found = await find_token(tx, of)
    except DomainError:
        raise missing_resource("404 Not Found") if actor.is_admin else not_yours from None
    if of.token_id == "self":  # noqa: S105
        return found
    if found.user_id != actor.user_id and not actor.is_admin:
        raise not_yours
    if not found.is_of(None):
        raise forbidden("use the API of its project or group")
    return found


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListTokens: list_tokens,
    GetToken: get_token,
    CreateToken: create_token,
    RotateToken: rotate_token,
    RevokeToken: revoke_token,
}
