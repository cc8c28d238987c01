"""Access tokens: personal tokens, and tokens of projects and groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from asyncpg import Record

from services.access.store.members import Source
from services.access.store.pages import LimitOffset, PageOf, fetch_page
from shared.contracts.tokens import TokenPage
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.access.sql", "tokens")


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token's row. ``access_level`` is the role of the bot user of a project's or group's token."""

    token_id: int
    digest: bytes
    user_id: int
    namespace_id: int | None
    project_id: int | None
    family_id: int | None
    name: str
    description: str
    scopes: Sequence[str]
    creation_time: int
    expires_at: date | None
    revocation_time: int | None
    last_used_time: int | None
    access_level: int | None

    @property
    def source(self) -> Source | None:
        """The token's project or group; None for a personal token."""
        if self.project_id is None and self.namespace_id is None:
            return None
        return Source(self.namespace_id or 0, self.project_id)

    @classmethod
    def of(cls, row: Record) -> "FoundToken":
        """Return the token of a row."""
        return cls(**{name: row[name] for name in cls.__slots__})

    def is_active(self, today: date) -> bool:
        """Return whether the token is neither revoked nor expired."""
        return self.revocation_time is None and (self.expires_at is None or self.expires_at > today)

    def is_of(self, source: Source | None) -> bool:
        """Return whether the token belongs to this project or group; with None, whether it is personal."""
        if source is None:
            return self.namespace_id is None and self.project_id is None
        return (self.namespace_id, self.project_id) == (source.group_id, source.project_id)


@dataclass(frozen=True, slots=True)
class NewToken:
    """The fields of a token to insert."""

    digest: str
    user_id: int
    name: str
    scopes: Sequence[str]
    expires_at: date | None
    description: str = ""
    source: Source | None = None
    family_id: int | None = None


async def page(
    tx: Transaction, user_id: int | None, source: Source | None, today: date, query: TokenPage
) -> PageOf[FoundToken]:
    """Return a page of tokens of a project or a group; without one, of personal tokens.

    ``user_id`` limits personal tokens to one user; None means all users.
    """
    values = (
        user_id,
        source.group_id if source else None,
        source.project_id if source else None,
        None if query.state is None else query.state == "active",
        today,
        query.revoked,
        query.search,
    )
    return await fetch_page(tx, SQL["list_tokens"], values, LimitOffset.of(query), FoundToken.of)


async def find(tx: Transaction, number: int | None, digest: bytes | None) -> FoundToken | None:
    """Return a token by its number or its digest."""
    row = await tx.row(SQL["find_token"], number, digest)
    return FoundToken.of(row) if row else None


async def lock_family(tx: Transaction, token: FoundToken) -> None:
    """Serialize rotations and revocations of one rotation chain: lock its first token's row."""
    await tx.rows(SQL["lock_family"], token.family_id or token.token_id)


async def create(tx: Transaction, new: NewToken) -> FoundToken:
    """Insert a token."""
    row = await tx.row(
        SQL["create_token"],
        bytes.fromhex(new.digest),
        new.user_id,
        new.source.group_id if new.source else None,
        new.source.project_id if new.source else None,
        new.family_id,
        new.name,
        new.description,
        list(new.scopes),
        now(),
        new.expires_at,
    )
    made = await find(tx, row["token_id"], None) if row else None
    if made is None:
        message = "A token that was just inserted is not there."
        raise RuntimeError(message)
    return made


async def revoke(tx: Transaction, token: FoundToken) -> list[str]:
    """Revoke a token. Returns its digest in hex, or nothing if it was revoked before."""
    return await _revoked(tx, "revoke_token", token.token_id)


async def revoke_family(tx: Transaction, token: FoundToken) -> list[str]:
    """Revoke all tokens of a rotation chain. Returns the digests of newly revoked tokens in hex."""
    return await _revoked(tx, "revoke_family", token.family_id or token.token_id)


async def _revoked(tx: Transaction, statement: str, number: int) -> list[str]:
    rows = await tx.rows(SQL[statement], number, now())
    return [row["digest"].hex() for row in rows]
