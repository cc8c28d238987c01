"""Users."""

from dataclasses import dataclass
from typing import Any

from asyncpg import Record

from services.access.store.pages import LimitOffset, PageOf, fetch_page
from shared.contracts.accounts import ListUsers
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.access.sql", "users")


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A user's row."""

    user_id: int
    username: str
    name: str
    email: str
    state: str
    is_admin: bool
    is_bot: bool
    creation_time: int

    @classmethod
    def of(cls, row: Record) -> "FoundUser":
        """Return the user of a row."""
        return cls(**{name: row[name] for name in cls.__slots__})


async def find(tx: Transaction, user_id: int) -> FoundUser | None:
    """Return a user, or None."""
    row = await tx.row(SQL["find_user"], user_id)
    return FoundUser.of(row) if row else None


async def page(tx: Transaction, query: ListUsers) -> PageOf[FoundUser]:
    """Return a page of users. Bot users are left out."""
    values = (query.username, query.search)
    return await fetch_page(tx, SQL["list_users"], values, LimitOffset.of(query), FoundUser.of)


async def create(tx: Transaction, username: str, name: str, **fields: Any) -> FoundUser | None:
    """Insert a user (``email``, ``is_admin``, ``is_bot``). Returns None if the name is taken."""
    row = await tx.row(
        SQL["create_user"],
        username,
        name,
        fields.get("email", ""),
        fields.get("is_admin", False),
        fields.get("is_bot", False),
        now(),
    )
    return FoundUser.of(row) if row else None


async def set_state(tx: Transaction, user_id: int, state: str) -> FoundUser | None:
    """Set a user's state. Returns None if there is no such user; bot users can't be blocked."""
    row = await tx.row(SQL["set_state"], user_id, state)
    return FoundUser.of(row) if row else None
