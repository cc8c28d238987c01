"""Groups, and users' own namespaces."""

import re
from dataclasses import dataclass
from datetime import date

from asyncpg import Record

from services.access.policy import Role, Visibility
from services.access.store.pages import LimitOffset, PageOf, fetch_page
from shared.contracts.accounts import CreateGroup, ListGroups
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.access.sql", "groups")

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """A group's row, and a user's role in the group."""

    namespace_id: int
    parent_id: int | None
    path: str
    full_path: str
    name: str
    full_name: str
    description: str
    visibility: Visibility
    creation_time: int
    role: Role

    @classmethod
    def of(cls, row: Record) -> "FoundGroup":
        """Return the group of a row."""
        own = {name: row[name] for name in cls.__slots__ if name not in ("role", "visibility")}
        role, visibility = Role(row["access_level"]), Visibility(row["visibility"])
        return cls(**own, role=role, visibility=visibility)


async def find(tx: Transaction, reference: str, user_id: int, today: date) -> FoundGroup | None:
    """Return a group by its number or its full path."""
    if not _NUMBER.fullmatch(reference):
        return await find_at(tx, reference, user_id, today)
    row = await tx.row(SQL["find_group"], int(reference), None, user_id, today)
    return FoundGroup.of(row) if row else None


async def find_at(tx: Transaction, path: str, user_id: int, today: date) -> FoundGroup | None:
    """Return a group by its full path, even if the path is all digits."""
    row = await tx.row(SQL["find_group"], None, path, user_id, today)
    return FoundGroup.of(row) if row else None


async def page(
    tx: Transaction, user_id: int, today: date, query: ListGroups, *, every: bool
) -> PageOf[FoundGroup]:
    """Return a page of the groups that are visible to a user; ``every`` includes all groups."""
    values = (user_id, today, every, query.search)
    return await fetch_page(tx, SQL["list_groups"], values, LimitOffset.of(query), FoundGroup.of)


async def create(tx: Transaction, cmd: CreateGroup) -> int | None:
    """Insert a group and return its number. Returns None if its path is taken."""
    row = await tx.row(
        SQL["create_group"],
        cmd.parent_id,
        cmd.path,
        cmd.name,
        cmd.description,
        cmd.visibility,
        now(),
    )
    return row["namespace_id"] if row else None


async def of_user(tx: Transaction, user_id: int) -> int | None:
    """Return the number of a user's own namespace, which is created on first use.

    Returns None if a group has its path.
    """
    await tx.execute(SQL["ensure_user_namespace"], user_id, now())
    return await own_namespace(tx, user_id)


async def own_namespace(tx: Transaction, user_id: int) -> int | None:
    """Return the number of a user's own namespace, or None."""
    number: int | None = await tx.value(SQL["find_user_namespace"], user_id)
    return number
