"""Workspaces: MLflow's ``workspaces`` requests and answers. Each is a project."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.accounts import Description
from shared.contracts.message import Command, Query, Required, Wire


class TraceArchivalConfig(Wire):
    """Where traces would be archived; nothing is, so that only what is empty is taken."""

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
    """All that the caller has; MLflow knows no pages of them."""

    workspaces: list[Workspace]


class ListWorkspaces(Query):
    """List the workspaces that the caller may read."""

    service: ClassVar[str] = "access"


class GetWorkspace(Query):
    """Read one of them."""

    service: ClassVar[str] = "access"
    workspace_name: Required


class WorkspaceFields(Wire):
    """What may be said of a workspace; where its artifacts and traces go is not the client's to say."""

    description: Description | None = None
    default_artifact_root: str | None = None
    trace_archival_config: TraceArchivalConfig | None = None


class CreateWorkspace(Command, WorkspaceFields):
    """Make a project: for a short name in the caller's own namespace, else in the group that it tells."""

    service: ClassVar[str] = "access"
    name: Required


class UpdateWorkspace(Command, WorkspaceFields):
    """Change a workspace's description."""

    service: ClassVar[str] = "access"
    workspace_name: Required


class DeleteWorkspace(Command):
    """Hide a project for good: with ``RESTRICT`` if nothing is in it, with ``CASCADE`` whatever is."""

    service: ClassVar[str] = "access"
    workspace_name: Required
    mode: str = "RESTRICT"


class ListTrackedKinds(Query):
    """Ask what kinds of things tracking has in a project, deleted ones that are not purged included."""

    service: ClassVar[str] = "tracking"


class ListRegisteredKinds(Query):
    """Ask the registry the same."""

    service: ClassVar[str] = "registry"


class KindsReply(Wire):
    """Nouns in the plural, as in ``runs``; none of what every project has from its start."""

    kinds: list[str] = Field(default_factory=list)
