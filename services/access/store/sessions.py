"""Sessions of browsers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.access.sql", "sessions")

MOST = 100
"""The most sessions of one token. A further one ends the oldest."""


@dataclass(frozen=True, slots=True)
class LockedToken:
    """A token that is not revoked, and its user."""

    token_id: int
    expires_at: date | None
    user_id: int
    username: str
    state: str


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session, and the digest of the token with which it was made. Times are Unix milliseconds."""

    session_id: int
    last_used_time: int
    expiry_time: int
    token_digest: bytes


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session of a user, and the name of its token. Times are Unix milliseconds."""

    digest: bytes
    creation_time: int
    last_used_time: int
    expiry_time: int
    token_name: str


async def lock_token(tx: Transaction, digest: str) -> LockedToken | None:
    """Return the token with a digest unless it is revoked, and keep it from being revoked meanwhile."""
    row = await tx.row(SQL["lock_token"], bytes.fromhex(digest))
    return LockedToken(**row) if row else None


async def create(
    tx: Transaction, digest: str, token_id: int, now_ms: int, expiry_time: int
) -> list[str]:
    """Insert a session, and delete those that are over. Returns the digests of others that end now, in hex."""
    await tx.execute(SQL["delete_expired"], now_ms)
    await tx.execute(SQL["create_session"], bytes.fromhex(digest), token_id, now_ms, expiry_time)
    return await _deleted(tx, "delete_oldest", token_id, MOST)


async def find(tx: Transaction, digest: bytes) -> FoundSession | None:
    """Return a session by its digest."""
    row = await tx.row(SQL["find_session"], digest)
    return FoundSession(**row) if row else None


async def of_user(tx: Transaction, user_id: int, now_ms: int) -> Sequence[ListedSession]:
    """Return the sessions of a user that have not ended, the newest first."""
    rows = await tx.rows(SQL["list_sessions"], user_id, now_ms, MOST)
    return [ListedSession(**row) for row in rows]


async def delete(tx: Transaction, digest: str) -> list[str]:
    """Delete a session. Returns its digest in hex, or nothing if there is none."""
    return await _deleted(tx, "delete_session", bytes.fromhex(digest))


async def delete_of_user(tx: Transaction, user_id: int) -> list[str]:
    """Delete all sessions of a user. Returns their digests in hex."""
    return await _deleted(tx, "delete_sessions_of_user", user_id)


async def delete_of_tokens(tx: Transaction, digests: Iterable[str]) -> list[str]:
    """Delete all sessions of some tokens, given by their digests in hex. Returns the sessions' digests in hex."""
    return await _deleted(
        tx, "delete_sessions_of_tokens", [bytes.fromhex(each) for each in digests]
    )


async def touch(tx: Transaction, session_id: int, now_ms: int) -> None:
    """Store the time of a session's last use."""
    await tx.execute(SQL["touch_session"], session_id, now_ms)


async def _deleted(tx: Transaction, statement: str, *values: object) -> list[str]:
    return [row["digest"].hex() for row in await tx.rows(SQL[statement], *values)]
