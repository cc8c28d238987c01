"""The rows from which an ``Authorization`` is built."""

import re
from dataclasses import dataclass
from datetime import date

from asyncpg import Record

from services.access.policy import Feature, ProjectSettings, Role, Visibility
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.access.sql", "authorize")

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class TokenUser:
    """A token and its user."""

    token_id: int
    scopes: list[str]
    expires_at: date | None
    revoked: bool
    last_used_time: int | None
    user_id: int
    username: str
    state: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class FoundProject:
    """A project and a user's role in it. ``expires_at`` is the next date on which the role may change."""

    project_id: int
    full_path: str
    name: str
    settings: ProjectSettings
    role: Role
    expires_at: date | None
    namespace_id: int


async def find_token_user(tx: Transaction, digest: bytes) -> TokenUser | None:
    """Return the token with a digest, and its user."""
    row = await tx.row(SQL["find_token_user"], digest)
    return TokenUser(**row) if row else None


async def find_project(
    tx: Transaction, reference: str, user_id: int | None, today: date
) -> FoundProject | None:
    """Return a project by its number or its full path, with a user's role.

    As in GitLab, a reference with a slash is a path.
    """
    number = int(reference) if _NUMBER.fullmatch(reference) else None
    path = reference if "/" in reference else None
    row = await tx.row(SQL["find_project"], number, path, user_id, today)
    if row is None:
        return None
    return FoundProject(
        row["project_id"],
        row["full_path"],
        row["name"],
        settings_of(row),
        Role(row["access_level"]),
        row["expires_at"],
        row["namespace_id"],
    )


def settings_of(row: Record) -> ProjectSettings:
    """Return a project's settings from its row."""
    return ProjectSettings(
        Visibility(row["visibility"]),
        Feature(row["model_experiments_access_level"]),
        Feature(row["model_registry_access_level"]),
    )


async def touch(tx: Transaction, token_id: int, now_ms: int) -> None:
    """Store the time of a token's last use."""
    await tx.execute(SQL["touch_token"], token_id, now_ms)
