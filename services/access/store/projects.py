"""Projects."""

from collections.abc import Sequence
from datetime import date

from asyncpg import Record

from services.access.store.pages import LimitOffset, PageOf, fetch_page
from shared.contracts.projects import CreateProject, ListProjects, UpdateProject
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.access.sql", "projects")


async def page(
    tx: Transaction, user_id: int, today: date, query: ListProjects, *, every: bool
) -> PageOf[int]:
    """Return the numbers of a page of projects that are visible to a user; ``every`` includes all projects."""
    values = (
        user_id,
        today,
        every,
        query.search,
        query.visibility,
        query.membership,
        query.owned,
        query.order_by,
        query.sort == "desc",
    )
    return await fetch_page(tx, SQL["list_projects"], values, LimitOffset.of(query), _number)


def _number(row: Record) -> int:
    number: int = row["project_id"]
    return number


async def read(
    tx: Transaction, numbers: Sequence[int], user_id: int, today: date
) -> Sequence[Record]:
    """Return projects with their namespaces and a user's roles, in the given order."""
    return await tx.rows(SQL["read_projects"], list(numbers), user_id, today)


async def create(
    tx: Transaction, namespace_id: int, user_id: int, cmd: CreateProject, workspace: str | None
) -> int | None:
    """Insert a project and return its number. ``cmd`` has both a name and a path.

    Returns None if the path or the workspace's short name is taken.
    """
    row = await tx.row(
        SQL["create_project"],
        namespace_id,
        cmd.path,
        cmd.name,
        cmd.description,
        cmd.visibility,
        cmd.model_experiments_access_level,
        cmd.model_registry_access_level,
        user_id,
        now(),
        workspace,
    )
    return row["project_id"] if row else None


async def update(tx: Transaction, project_id: int, cmd: UpdateProject) -> None:
    """Change the given fields of a project."""
    await tx.row(
        SQL["update_project"],
        project_id,
        cmd.name,
        cmd.description,
        cmd.visibility,
        cmd.model_experiments_access_level,
        cmd.model_registry_access_level,
        now(),
    )


async def delete(tx: Transaction, project_id: int) -> None:
    """Hide a project permanently."""
    await tx.row(SQL["delete_project"], project_id, now())
