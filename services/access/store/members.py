"""Members of projects and groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from asyncpg import Record

from services.access.dates import current_date
from services.access.policy import Role
from services.access.store.pages import ONE, LimitOffset, PageOf, fetch_page
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.access.sql", "members")


@dataclass(frozen=True, slots=True)
class Source:
    """A group or a project as the source of memberships. ``namespace_id`` is the group, or the project's parent."""

    namespace_id: int
    project_id: int | None

    @property
    def group_id(self) -> int | None:
        """The group's number, or None for a project."""
        return self.namespace_id if self.project_id is None else None


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A user and the user's highest role."""

    user_id: int
    username: str
    name: str
    state: str
    access_level: Role
    expires_at: date | None
    creation_time: int

    @classmethod
    def of(cls, row: Record) -> "FoundMember":
        """Return the member of a row."""
        columns = {name: row[name] for name in cls.__slots__}
        return cls(**{**columns, "access_level": Role(row["access_level"])})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter on members: direct or also inherited ones, a part of the name, and user ids."""

    inherited: bool = False
    search: str | None = None
    user_ids: Sequence[int] = ()
    bounds: LimitOffset = ONE


async def page(tx: Transaction, source: Source, today: date, wanted: Wanted) -> PageOf[FoundMember]:
    """Return a page of members whose roles have not expired."""
    values = (
        source.namespace_id,
        source.project_id,
        today,
        wanted.inherited,
        wanted.search,
        list(wanted.user_ids) or None,
    )
    return await fetch_page(tx, SQL["list_members"], values, wanted.bounds, FoundMember.of)


async def find(
    tx: Transaction, source: Source, user_id: int, today: date, *, inherited: bool = False
) -> FoundMember | None:
    """Return one member, or None."""
    found = await page(tx, source, today, Wanted(inherited, user_ids=[user_id]))
    return found.items[0] if found.items else None


async def add(
    tx: Transaction, source: Source, user_id: int, role: int, expires_at: date | None = None
) -> bool:
    """Add a member. Returns False if the user already has a role there that has not expired."""
    today = await current_date(tx)
    # A user has at most one row per project or group, so an expired one would block the new role.
    await tx.execute(SQL["forget_ended"], user_id, source.group_id, source.project_id, today)
    row = await tx.row(
        SQL["add_member"], user_id, source.group_id, source.project_id, role, expires_at, now()
    )
    return row is not None


async def update(
    tx: Transaction, source: Source, user_id: int, role: int, expires_at: date | None
) -> bool:
    """Change a member's role. Returns False if there is no such member."""
    row = await tx.row(
        SQL["update_member"], user_id, source.group_id, source.project_id, role, expires_at
    )
    return row is not None


async def remove(tx: Transaction, source: Source, user_id: int) -> bool:
    """Remove a member. Returns False if there is no such member."""
    row = await tx.row(SQL["remove_member"], user_id, source.group_id, source.project_id)
    return row is not None


async def other_owners(tx: Transaction, source: Source, user_id: int) -> int:
    """Return the number of a group's Owners other than a user."""
    count: int = await tx.value(SQL["count_owners"], source.namespace_id, user_id)
    return count
