"""Personal access tokens: GitLab's ``/personal_access_tokens``."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from services.access.actors import Actor, forbidden
from services.access.handlers import replies
from services.access.handlers.users import no_user
from services.access.store import tokens, users
from services.access.store.tokens import FoundToken, NewToken
from shared.contracts.access_events import TokensRevoked
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
"""How long a token lasts that came by a rotation without a date."""

UNAUTHORIZED = "401 Unauthorized"


async def list_tokens(query: ListTokens, tx: Transaction) -> bytes:
    """Read a page of personal tokens."""
    actor = await Actor.of(tx)
    if query.user_id not in (None, actor.user_id) and not actor.is_admin:
        raise DomainError(ErrorCode.UNAUTHENTICATED, UNAUTHORIZED)
    whose = query.user_id if actor.is_admin else actor.user_id
    found = await tokens.page(tx, whose, None, actor.day, query)
    return replies.page(query, found, lambda token: replies.token(token, actor.day))


async def get_token(query: GetToken, tx: Transaction) -> bytes:
    """Read a token."""
    actor = await Actor.of(tx)
    return replies.one(replies.token(await _own(tx, actor, query), actor.day))


async def create_token(cmd: CreateToken, tx: Transaction) -> bytes:
    """Make a token for a user."""
    actor = await Actor.of(tx)
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
            expires_at=checked_end(cmd.expires_at, actor.day),
        ),
    )
    return replies.one(replies.token(made, actor.day))


async def rotate_token(cmd: RotateToken, tx: Transaction) -> bytes:
    """Replace a token."""
    if cmd.token_id == "self":  # noqa: S105  # GitLab's word.
        own = await find_token(tx, cmd)
        if own.revocation_time is not None:
            return await _reused(tx, own)
    actor = await Actor.of(tx)
    return await replace(tx, await _own(tx, actor, cmd), cmd, actor.day)


async def revoke_token(cmd: RevokeToken, tx: Transaction) -> bytes:
    """Revoke a token; one that is revoked already stays so."""
    actor = await Actor.of(tx)
    await revoke(tx, await _own(tx, actor, cmd))
    return b""


async def find_token(tx: Transaction, of: OneToken) -> FoundToken:
    """Return the token that a message is about. Raises DomainError."""
    is_own = of.token_id == "self"  # noqa: S105
    number = None if is_own else int(of.token_id)
    digest = bytes.fromhex(of.own_digest) if is_own else None
    found = await tokens.find(tx, number, digest)
    if found is None:
        raise missing_resource("404 Token Not Found")
    return found


async def replace(
    tx: Transaction, old: FoundToken, cmd: RotateToken | RotateAccessToken, day: date
) -> bytes:
    """Revoke a token and make its successor."""
    await tokens.lock_family(tx, old)
    current = await tokens.find(tx, old.token_id, None) or old
    if current.revocation_time is not None:
        return await _reused(tx, current)
    if not current.is_active(day):
        raise DomainError(ErrorCode.UNAUTHENTICATED, UNAUTHORIZED)
    new = NewToken(
        digest=cmd.new_digest,
        user_id=current.user_id,
        name=current.name,
        description=current.description,
        scopes=current.scopes,
        expires_at=checked_end(cmd.expires_at, day) or day + timedelta(days=ROTATED_DAYS),
        source=current.source,
        family_id=current.family_id or current.token_id,
    )
    await revoke(tx, current)
    return replies.one(Rotated(token=replies.token(await tokens.create(tx, new), day)))


async def _reused(tx: Transaction, old: FoundToken) -> bytes:
    """Take a revoked token that is to be rotated for a stolen one, and revoke what came from it.

    Nobody can tell who of the two that have it is the thief, so that both have to come again.
    """
    _tell_revoked(tx, await tokens.revoke_family(tx, old))
    return replies.one(Rotated(token=None))


async def revoke(tx: Transaction, token: FoundToken) -> None:
    """Revoke a token and tell the gateways."""
    _tell_revoked(tx, await tokens.revoke(tx, token))


def checked_end(end: date | None, day: date) -> date | None:
    """Return the end of a new token. Raises DomainError if it is over already."""
    if end is not None and end <= day:
        raise invalid("Expiration date must be in the future")
    return end


def _tell_revoked(tx: Transaction, digests: Sequence[str]) -> None:
    if digests:
        tx.emit(TokensRevoked(digests=list(digests)))


async def _own(tx: Transaction, actor: Actor, of: OneToken) -> FoundToken:
    """Return a personal token of the caller's; administrators may name anybody's.

    What is not there looks as what is another's, but to administrators, as in GitLab. A token may
    look after itself whatever it is.
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
