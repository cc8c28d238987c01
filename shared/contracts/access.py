"""Who may do what: the question that the gateway asks for each new pair of credentials and project."""

from enum import StrEnum

from pydantic import Field

from shared.contracts.message import Int64, Query, Required, Wire


class TokenState(StrEnum):
    """What became of the token that a client showed; GitLab answers differently to each."""

    ACTIVE = "active"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    BLOCKED = "blocked"


class Ability(StrEnum):
    """What a caller may do in a project, by GitLab's names (``app/policies/project_policy.rb``)."""

    READ_PROJECT = "read_project"
    READ_MODEL_EXPERIMENTS = "read_model_experiments"
    WRITE_MODEL_EXPERIMENTS = "write_model_experiments"
    READ_MODEL_REGISTRY = "read_model_registry"
    WRITE_MODEL_REGISTRY = "write_model_registry"
    CREATE_PACKAGE = "create_package"
    ADMIN_PROJECT = "admin_project"


class Project(Wire):
    """A project that the caller can see."""

    id: Int64
    path: str
    """Full path, such as ``group/project``."""
    name: str = ""


class Authorize(Query):
    """Ask what the holder of a token may do in a project.

    ``token_digest`` is the SHA-256 of the token in hex: the token itself never crosses the bus. Empty
    means an anonymous caller. ``project`` is an id or a full path; empty means the root project.
    """

    service = "access"

    token_digest: str = ""
    project: str = ""


class LocateProject(Query):
    """Ask for the number of the project with a full path, whoever may see it: operators ask, on the bus."""

    service = "access"

    path: Required


class AuthorizeWorkspace(Query):
    """Ask the same about the project that is a workspace of MLflow's.

    A message of its own: a service that does not know it yet refuses it, and does not answer about
    the root project.
    """

    service = "access"

    token_digest: str
    workspace: str


class Authorization(Wire):
    """The answer: who it is, and what they may do.

    ``project`` is null when it does not exist or is hidden from the caller; both look the same.
    ``abilities`` take the role, the project's visibility and its switches into account, but not the
    token's scopes, which stand beside them. ``fresh_for`` is in how many milliseconds the token
    or the membership ends, by the database's clock; null means not by itself.
    """

    state: TokenState = TokenState.UNKNOWN
    user_id: Int64 = 0
    username: str = ""
    is_admin: bool = False
    scopes: list[str] = Field(default_factory=list)
    project: Project | None = None
    abilities: list[Ability] = Field(default_factory=list)
    fresh_for: Int64 | None = None
