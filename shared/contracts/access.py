"""Authorization: the gateway asks for each new pair of token and project what the caller may do."""

from enum import StrEnum

from pydantic import Field

from shared.contracts.message import Int64, Query, Required, Wire


class TokenState(StrEnum):
    """The state of a client's token. GitLab has a different answer for each state but ``active``."""

    ACTIVE = "active"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    BLOCKED = "blocked"


class Ability(StrEnum):
    """A right of a caller in a project, by GitLab's name (``app/policies/project_policy.rb``)."""

    READ_PROJECT = "read_project"
    READ_MODEL_EXPERIMENTS = "read_model_experiments"
    WRITE_MODEL_EXPERIMENTS = "write_model_experiments"
    READ_MODEL_REGISTRY = "read_model_registry"
    WRITE_MODEL_REGISTRY = "write_model_registry"
    CREATE_PACKAGE = "create_package"
    ADMIN_PROJECT = "admin_project"


class Project(Wire):
    """A project that is visible to the caller."""

    id: Int64
    path: str
    """Full path, such as ``group/project``."""
    name: str = ""


class Authorize(Query):
    """Ask what the holder of a token may do in a project.

    ``token_digest`` is the SHA-256 of the token in hex: the token itself never crosses the bus. Empty means an
    anonymous caller. ``project`` is an id or a full path; empty means the root project.
    """

    service = "access"

    token_digest: str = ""
    project: str = ""


class LocateProject(Query):
    """Look up a project by its full path. No permission is checked: only operators send this, over the bus."""

    service = "access"

    path: Required


class AuthorizeWorkspace(Query):
    """Ask what the holder of a token may do in a project that is named as an MLflow workspace.

    This is a message of its own. An older service refuses an unknown message. It would ignore an unknown field of
    ``Authorize`` and answer about the root project.
    """

    service = "access"

    token_digest: str
    workspace: str


class AuthorizeSession(Query):
    """Ask what the holder of a session may do in a project, or in a workspace if ``workspace`` is not empty.

    ``session_digest`` is the SHA-256 of the session's cookie in hex. The session acts as its token.
    """

    service = "access"

    session_digest: str
    project: str = ""
    workspace: str = ""


class Authorization(Wire):
    """The reply to ``Authorize``: the caller's identity and abilities.

    ``project`` is null when it does not exist or is hidden from the caller; both look the same. ``abilities`` depend
    on the role, the project's visibility and its feature settings. They do not depend on the token's scopes, which
    have their own field. ``fresh_for`` is the time in milliseconds, by the database's clock, until the token or the
    membership expires. Null means no expiry.
    """

    state: TokenState = TokenState.UNKNOWN
    user_id: Int64 = 0
    username: str = ""
    is_admin: bool = False
    scopes: list[str] = Field(default_factory=list)
    project: Project | None = None
    abilities: list[Ability] = Field(default_factory=list)
    fresh_for: Int64 | None = None
