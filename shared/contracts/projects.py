"""Projects: GitLab's REST API."""

from typing import Literal

from shared.contracts.accounts import Description, Name, Paged, Path, VisibilityLevel
from shared.contracts.message import Command, Int64, Query, Required, Wire

FeatureLevel = Literal["disabled", "private", "enabled"]


class Namespace(Wire):
    """The parent of a project: a group, or a user's own namespace."""

    id: int
    name: str
    path: str
    kind: Literal["group", "user"]
    full_path: str
    parent_id: int | None


class AccessLevelOf(Wire):
    """The caller's role."""

    access_level: int


class Permissions(Wire):
    """The caller's roles: as a member of the project, and as a member of its parent groups."""

    project_access: AccessLevelOf | None
    group_access: AccessLevelOf | None


class ProjectReply(Wire):
    """A project, with the GitLab fields that have a meaning here or that clients rely on."""

    id: int
    description: str
    name: str
    name_with_namespace: str
    path: str
    path_with_namespace: str
    created_at: str
    last_activity_at: str
    web_url: str = ""
    namespace: Namespace
    visibility: str
    archived: bool = False
    creator_id: int
    model_experiments_access_level: FeatureLevel
    model_registry_access_level: FeatureLevel
    permissions: Permissions


class ListProjects(Paged):
    """List the projects that are visible to the caller."""

    search: str | None = None
    visibility: VisibilityLevel | None = None
    membership: bool = False
    owned: bool = False
    order_by: Literal["id", "name", "path", "created_at", "updated_at", "last_activity_at"] = (
        "created_at"
    )
    sort: Literal["asc", "desc"] = "desc"


class GetProject(Query):
    """Return a project."""

    service = "access"
    project: Required


class CreateProject(Command):
    """Create a project, in a group or in the caller's own namespace."""

    service = "access"
    name: Name | None = None
    path: Path | None = None
    namespace_id: Int64 | None = None
    description: Description = ""
    visibility: VisibilityLevel = "private"
    model_experiments_access_level: FeatureLevel = "enabled"
    model_registry_access_level: FeatureLevel = "enabled"


class UpdateProject(Command):
    """Change the given fields of a project."""

    service = "access"
    project: Required
    name: Name | None = None
    description: Description | None = None
    visibility: VisibilityLevel | None = None
    model_experiments_access_level: FeatureLevel | None = None
    model_registry_access_level: FeatureLevel | None = None


class DeleteProject(Command):
    """Hide a project permanently. Its number and its data remain."""

    service = "access"
    project: Required


class Accepted(Wire):
    """GitLab's answer to a request that it carries out later."""

    message: str = "202 Accepted"
