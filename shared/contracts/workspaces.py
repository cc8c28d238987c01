"""Workspaces: MLflow's ``workspaces`` requests and replies. Each workspace is a project."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.accounts import Description
from shared.contracts.message import Command, Query, Required, Wire


class TraceArchivalConfig(Wire):
    """MLflow's settings for archiving traces. Warren archives none, so only empty settings are accepted."""

    location: str | None = None
    retention: str | None = None


class Workspace(Wire):
    """A project whose experiments the caller may read."""

    name: str
    description: str


class WorkspaceReply(Wire):
    """One workspace."""

    workspace: Workspace


class WorkspacesReply(Wire):
    """All workspaces of the caller. MLflow has no paging here."""

    workspaces: list[Workspace]


class ListWorkspaces(Query):
    """List the workspaces that the caller may read."""

    service: ClassVar[str] = "access"


class GetWorkspace(Query):
    """Return one workspace."""

    service: ClassVar[str] = "access"
    workspace_name: Required


class WorkspaceFields(Wire):
    """The settings of a workspace. Clients can't choose where its artifacts and traces are stored."""

    description: Description | None = None
    default_artifact_root: str | None = None
    trace_archival_config: TraceArchivalConfig | None = None


class CreateWorkspace(Command, WorkspaceFields):
    """Create a project. A short name goes to the caller's own namespace, a longer one to the group that it names."""

    service: ClassVar[str] = "access"
    name: Required


class UpdateWorkspace(Command, WorkspaceFields):
    """Change a workspace's description."""

    service: ClassVar[str] = "access"
    workspace_name: Required


class DeleteWorkspace(Command):
    """Hide a project permanently. ``RESTRICT`` requires it to be empty, ``CASCADE`` does not."""

    service: ClassVar[str] = "access"
    workspace_name: Required
    mode: str = "RESTRICT"


class ListTrackedEntityTypes(Query):
    """Return which types of entities tracking has in a project. Deleted ones count until they are purged."""

    service: ClassVar[str] = "tracking"


class ListRegisteredEntityTypes(Query):
    """Return which types of entities the registry has in a project."""

    service: ClassVar[str] = "registry"


class EntityTypesReply(Wire):
    """Nouns in the plural, such as ``runs``. Entities that every project has from its start are left out."""

    entity_types: list[str] = Field(default_factory=list)
