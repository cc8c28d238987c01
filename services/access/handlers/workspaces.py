"""Workspaces: projects under MLflow's API (ADR 51).

Permissions are the same as for GitLab's ``/projects``, whose handlers do the work. Messages and codes come from
``mlflow/store/workspace/sqlalchemy_store.py`` and ``mlflow/server/handlers.py``.
"""

from collections.abc import Mapping, Sequence

from services.access.actors import ANONYMOUS_ID, Actor, find_group_at, find_source
from services.access.handlers import projects
from services.access.policy import Role, abilities
from services.access.store import workspaces as store
from services.access.store.workspaces import FoundWorkspace
from shared.contracts.access import Ability
from shared.contracts.errors import (
    DomainError,
    ErrorCode,
    already_exists,
    invalid,
    missing_resource,
)
from shared.contracts.members import SourceReference
from shared.contracts.message import Message
from shared.contracts.projects import CreateProject, DeleteProject, UpdateProject
from shared.contracts.root_project import ROOT_PROJECT
from shared.contracts.workspaces import (
    CreateWorkspace,
    DeleteWorkspace,
    EntityTypesReply,
    GetWorkspace,
    ListRegisteredEntityTypes,
    ListTrackedEntityTypes,
    ListWorkspaces,
    UpdateWorkspace,
    Workspace,
    WorkspaceFields,
    WorkspaceReply,
    WorkspacesReply,
)
from shared.handling.handlers import Handler
from shared.mlflow.workspaces import DEFAULT, check_name, path_in
from shared.postgres.transaction import Transaction

MODES = ("SET_DEFAULT", "CASCADE", "RESTRICT")


async def list_workspaces(_query: ListWorkspaces, tx: Transaction) -> WorkspacesReply:
    """List workspaces by name. Anonymous callers in open mode see only the default workspace."""
    actor = await Actor.or_anonymous(tx)
    found = sorted(await _readable(tx, actor), key=lambda each: each.name)
    return WorkspacesReply(workspaces=[_shown(each) for each in found])


async def get_workspace(query: GetWorkspace, tx: Transaction) -> WorkspaceReply:
    """Return a workspace."""
    found = await _find(tx, await Actor.or_anonymous(tx), query.workspace_name)
    return WorkspaceReply(workspace=_shown(found))


async def create_workspace(cmd: CreateWorkspace, tx: Transaction) -> WorkspaceReply:
    """Create a private project. Only its creator and the group's members see it."""
    actor = await Actor.authenticated(tx)
    _refuse_settings(cmd)
    if cmd.name == DEFAULT:
        raise invalid(f"The '{DEFAULT}' workspace is reserved and cannot be created")
    check_name(cmd.name)
    path = path_in(cmd.name)
    short_name = cmd.name if path is None else None
    group_path, _, last = (path or cmd.name).rpartition("/")
    if last.startswith("-") or group_path.endswith("/"):
        raise invalid(f"Workspace name '{cmd.name}' must have a name between each two '--'.")
    new = CreateProject(
        name=last,
        path=last,
        namespace_id=await _group(tx, actor, group_path) if group_path else None,
        description=cmd.description or "",
    )
    if await projects.create(tx, actor, new, short_name) is None:
        raise already_exists(f"Workspace '{cmd.name}' already exists.")
    return WorkspaceReply(workspace=Workspace(name=cmd.name, description=new.description))


async def update_workspace(cmd: UpdateWorkspace, tx: Transaction) -> WorkspaceReply:
    """Change a workspace's description. This takes a Maintainer of the project."""
    found = await _find(tx, await Actor.authenticated(tx), cmd.workspace_name)
    _refuse_settings(cmd)
    if all(getattr(cmd, name) is None for name in WorkspaceFields.model_fields):
        raise invalid("Workspace update must have at least one key")
    change = UpdateProject(project=str(found.project_id), description=cmd.description)
    await projects.update_project(change, tx)
    described = found.description if cmd.description is None else cmd.description
    return WorkspaceReply(workspace=Workspace(name=found.name, description=described))


async def delete_workspace(cmd: DeleteWorkspace, tx: Transaction) -> bytes:
    """Hide a project permanently. This takes an Owner."""
    actor = await Actor.authenticated(tx)
    if cmd.workspace_name == DEFAULT:
        raise invalid(f"The '{DEFAULT}' workspace is reserved and cannot be deleted")
    if cmd.mode not in MODES:
        raise invalid(f"Invalid deletion mode '{cmd.mode}'. Must be one of: {', '.join(MODES)}")
    found = await _find(tx, actor, cmd.workspace_name)
    reference = str(found.project_id)
    (await find_source(tx, actor, SourceReference(source=reference))).require(Role.OWNER)
    if cmd.mode == "SET_DEFAULT":
        raise DomainError(
            ErrorCode.NOT_IMPLEMENTED,
            "What belongs to a project stays in it: nothing moves to the default workspace. "
            "Use CASCADE, or RESTRICT after removing what is in the workspace.",
        )
    if cmd.mode == "RESTRICT" and (present := await _entity_types(tx, found.project_id)):
        # MLflow's code is INVALID_STATE with status 500. Its client retries that for minutes and
        # then hides the message.
        raise DomainError(
            ErrorCode.RESOURCE_CONFLICT,
            f"Cannot delete workspace '{found.name}': it still contains {', '.join(present)}. "
            "Remove them before deleting the workspace; deleted ones count until they are purged.",
        )
    await projects.delete_project(DeleteProject(project=reference), tx)
    return b""


async def _find(tx: Transaction, actor: Actor, name: str) -> FoundWorkspace:
    """Return a workspace that is readable for the actor. Raises DomainError."""
    check_name(name)
    number = await store.number_of(tx, name)
    found = [] if number is None else await _readable(tx, actor, number)
    if not found:
        raise missing_resource(f"Workspace '{name}' not found")
    return found[0]


async def _readable(
    tx: Transaction, actor: Actor, number: int | None = None
) -> Sequence[FoundWorkspace]:
    if actor.user_id == ANONYMOUS_ID:
        # Only a gateway in open mode accepts anonymous callers, and they work in the root project
        # alone.
        if number not in {None, ROOT_PROJECT}:
            return []
        return await store.visible(tx, ANONYMOUS_ID, actor.today, ROOT_PROJECT, every=True)
    found = await store.visible(tx, actor.user_id, actor.today, number, every=actor.is_admin)
    return [
        each
        for each in found
        if Ability.READ_MODEL_EXPERIMENTS in abilities(actor.with_role(each.role), each.settings)
    ]


async def _group(tx: Transaction, actor: Actor, path: str) -> int:
    try:
        return (await find_group_at(tx, actor, path)).namespace_id
    except DomainError as error:
        message = f"There is no group '{path}' for the workspace, or it is not visible to you."
        raise missing_resource(message) from error


async def _entity_types(tx: Transaction, number: int) -> list[str]:
    """Return which types of entities tracking and the registry have in a project."""
    queries = (ListTrackedEntityTypes(), ListRegisteredEntityTypes())
    answers = [await tx.query(query, number) for query in queries]
    replies = [EntityTypesReply.model_validate_json(answer) for answer in answers]
    return [entity_type for reply in replies for entity_type in reply.entity_types]


def _refuse_settings(cmd: WorkspaceFields) -> None:
    """Raise DomainError for settings that Warren would ignore."""
    if (cmd.default_artifact_root or "").strip():
        raise invalid(
            "Artifacts have one place on this server: default_artifact_root can't be set."
        )
    archive = cmd.trace_archival_config
    if archive and ((archive.location or "").strip() or (archive.retention or "").strip()):
        raise invalid("This server archives no traces: trace_archival_config can't be set.")


def _shown(found: FoundWorkspace) -> Workspace:
    return Workspace(name=found.name, description=found.description)


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListWorkspaces: list_workspaces,
    GetWorkspace: get_workspace,
    CreateWorkspace: create_workspace,
    UpdateWorkspace: update_workspace,
    DeleteWorkspace: delete_workspace,
}
