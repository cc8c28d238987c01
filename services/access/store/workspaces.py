"""Projects as MLflow workspaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from asyncpg import Record

from services.access.policy import ProjectSettings, Role
from services.access.store.authorize import settings_of
from shared.mlflow import workspaces
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.access.sql", "workspaces")


@dataclass(frozen=True, slots=True)
class FoundWorkspace:
    """A project whose name is valid as a workspace name, and a user's role in it."""

    project_id: int
    name: str
    description: str
    settings: ProjectSettings
    role: Role

    @classmethod
    def of(cls, row: Record) -> "FoundWorkspace | None":
        """Return the workspace of a row of ``list_workspaces``; None if its path gives no valid workspace name."""
        name = row["workspace"] or workspaces.name_of(row["full_path"])
        if name is None:
            return None
        role = Role(row["access_level"])
        return cls(row["project_id"], name, row["description"], settings_of(row), role)


async def number_of(tx: Transaction, name: str) -> int | None:
    """Return the number of the project that a workspace name means, or None."""
    number: int | None = await tx.value(SQL["find_number"], name, workspaces.path_in(name))
    return number


async def visible(
    tx: Transaction, user_id: int, today: date, number: int | None = None, *, every: bool
) -> Sequence[FoundWorkspace]:
    """Return the workspaces that are visible to a user; ``every`` includes all, ``number`` selects one."""
    rows = await tx.rows(SQL["list_workspaces"], user_id, today, every, number)
    return [found for found in map(FoundWorkspace.of, rows) if found]
