"""Sessions of browsers: made with a token, and ended by signing out (ADR 69)."""

from collections.abc import Mapping, Sequence

from services.access.actors import Actor
from services.access.dates import date_of, milliseconds
from services.access.store import sessions as store
from shared.contracts.access_events import SessionsEnded
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message
from shared.contracts.sessions import (
    CreateSession,
    EndSession,
    EndSessions,
    ListSessions,
    Session,
    SessionReply,
    SessionsReply,
)
from shared.handling.handlers import Handler
from shared.postgres.clock import database_now
from shared.postgres.transaction import Transaction


async def create_session(cmd: CreateSession, tx: Transaction) -> SessionReply:
    """Make a session. The gateway has checked the token; it is checked again, since it may have ended meanwhile."""
    now_ms = await database_now(tx.connection)
    token = await store.lock_token(tx, cmd.token_digest)
    ended = token is not None and token.expires_at and token.expires_at <= date_of(now_ms)
    if token is None or ended or token.state != "active":
        raise DomainError(ErrorCode.UNAUTHENTICATED, "The token is invalid.")
    expiry_time = now_ms + cmd.seconds * 1000
    if token.expires_at is not None:
        expiry_time = min(expiry_time, milliseconds(token.expires_at))
    _emit_ended(tx, await store.create(tx, cmd.new_digest, token.token_id, now_ms, expiry_time))
    return SessionReply(username=token.username, expiry_time=expiry_time)


async def end_session(cmd: EndSession, tx: Transaction) -> bytes:
    """End a session."""
    _emit_ended(tx, await store.delete(tx, cmd.session_digest))
    return b"{}"


async def end_sessions(_cmd: EndSessions, tx: Transaction) -> bytes:
    """End all sessions of the caller."""
    actor = await Actor.authenticated(tx)
    _emit_ended(tx, await store.delete_of_user(tx, actor.user_id))
    return b"{}"


async def list_sessions(query: ListSessions, tx: Transaction) -> SessionsReply:
    """List the caller's sessions."""
    actor = await Actor.authenticated(tx)
    found = await store.of_user(tx, actor.user_id, await database_now(tx.connection))
    return SessionsReply(
        sessions=[
            Session(
                token_name=each.token_name,
                creation_time=each.creation_time,
                last_used_time=each.last_used_time,
                expiry_time=each.expiry_time,
                is_own=each.digest.hex() == query.own_digest,
            )
            for each in found
        ]
    )


def _emit_ended(tx: Transaction, digests: Sequence[str]) -> None:
    if digests:
        tx.emit(SessionsEnded(digests=list(digests)))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateSession: create_session,
    EndSession: end_session,
    EndSessions: end_sessions,
    ListSessions: list_sessions,
}
