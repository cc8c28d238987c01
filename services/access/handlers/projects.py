"""Projects: GitLab's ``/projects``."""

import re
from collections.abc import Mapping

from services.access.actors import Actor, find_group, find_project, find_source, forbidden
from services.access.handlers import replies
from services.access.policy import Role
from services.access.store import groups, projects
from services.access.store.pages import PageOf
from shared.contracts.access_events import ProjectChanged
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.members import SourceReference
from shared.contracts.message import Message
from shared.contracts.projects import (
    Accepted,
    CreateProject,
    DeleteProject,
    GetProject,
    ListProjects,
    UpdateProject,
)
from shared.contracts.root_project import ROOT_PROJECT
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction

_NOT_IN_PATHS = re.compile(r"[^A-Za-z0-9_.-]+")


async def list_projects(query: ListProjects, tx: Transaction) -> bytes:
    """Return a page of projects."""
    actor = await Actor.or_anonymous(tx)
    found = await projects.page(tx, actor.user_id, actor.today, query, every=actor.is_admin)
    rows = await projects.read(tx, found.items, actor.user_id, actor.today)
    return replies.page(query, PageOf(rows, found.total), replies.project)


async def get_project(query: GetProject, tx: Transaction) -> bytes:
    """Return a project."""
    actor = await Actor.or_anonymous(tx)
    return await _shown(tx, actor, (await find_project(tx, actor, query.project)).project_id)


async def create_project(cmd: CreateProject, tx: Transaction) -> bytes:
    """Create a project in a group where the caller is Maintainer, or in the caller's own namespace."""
    actor = await Actor.authenticated(tx)
    name = cmd.name or cmd.path
    path = cmd.path or _NOT_IN_PATHS.sub("-", (cmd.name or "").lower()).strip("-.")
    if not name or not path:
        raise invalid("name, path are missing, at least one parameter must be provided")
    named = cmd.model_copy(update={"name": name, "path": path})
    number = await create(tx, actor, named)
    if number is None:
        raise invalid("Project path has already been taken")
    return await _shown(tx, actor, number)


async def create(
    tx: Transaction, actor: Actor, cmd: CreateProject, workspace: str | None = None
) -> int | None:
    """Create a project and return its number. ``cmd`` has both a name and a path.

    ``workspace`` is its short name, if it has one. Returns None if the short name or the path is taken. Raises
    DomainError if the actor lacks the permission.
    """
    if actor.is_bot:
        raise forbidden()
    home = await _home(tx, actor, cmd)
    number = await projects.create(tx, home, actor.user_id, cmd, workspace)
    if number is not None:
        tx.emit(ProjectChanged())
    return number


async def _home(tx: Transaction, actor: Actor, cmd: CreateProject) -> int:
    """Return the namespace of a new project. Raises DomainError if the actor may not create projects there."""
    if cmd.namespace_id is not None:
        own = await groups.own_namespace(tx, actor.user_id)
        if cmd.namespace_id == own:
            return own
        group = await find_group(tx, actor, str(cmd.namespace_id))
        if group.role < Role.MAINTAINER and not actor.is_admin:
            raise forbidden()
        return group.namespace_id
    home = await groups.of_user(tx, actor.user_id)
    if home is None:
        raise DomainError(ErrorCode.RESOURCE_CONFLICT, "A group has the path of your namespace")
    return home


async def update_project(cmd: UpdateProject, tx: Transaction) -> bytes:
    """Change a project. This takes a Maintainer, and an Owner for its visibility."""
    actor = await Actor.authenticated(tx)
    access = await find_source(tx, actor, SourceReference(source=cmd.project))
    access.require(Role.MAINTAINER if cmd.visibility is None else Role.OWNER)
    # A source that was found as a project has an id: `or 0` is for the type checker.
    number = access.source.project_id or 0
    await projects.update(tx, number, cmd)
    tx.emit(ProjectChanged())
    return await _shown(tx, actor, number)


async def delete_project(cmd: DeleteProject, tx: Transaction) -> bytes:
    """Hide a project permanently. This takes an Owner; the root project can't be deleted."""
    actor = await Actor.authenticated(tx)
    access = await find_source(tx, actor, SourceReference(source=cmd.project))
    access.require(Role.OWNER)
    number = access.source.project_id or 0
    if number == ROOT_PROJECT:
        raise forbidden("plain MLflow clients need this project")
    await projects.delete(tx, number)
    tx.emit(ProjectChanged())
    return replies.one(Accepted())


async def _shown(tx: Transaction, actor: Actor, number: int) -> bytes:
    (row,) = await projects.read(tx, [number], actor.user_id, actor.today)
    return replies.one(replies.project(row))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListProjects: list_projects,
    GetProject: get_project,
    CreateProject: create_project,
    UpdateProject: update_project,
    DeleteProject: delete_project,
}
