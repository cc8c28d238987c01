"""Answers of the access service, in a form in which requests are checked against them quickly."""

from dataclasses import dataclass

from services.gateway.auth.callers import Caller
from services.gateway.auth.permissions import Permission
from services.gateway.auth.refusals import AccessRefused, Reason
from shared.contracts.access import Ability, Authorization, TokenState
from shared.contracts.errors import ErrorCode
from shared.contracts.root_project import ROOT_PATH, ROOT_PROJECT

DEVELOPER = frozenset(Ability) - {Ability.ADMIN_PROJECT}
"""The abilities of all callers in the root project in open mode."""

_STATES = {
    TokenState.UNKNOWN: (Reason.UNKNOWN, ErrorCode.UNAUTHENTICATED, "The token is invalid."),
    TokenState.EXPIRED: (Reason.EXPIRED, ErrorCode.UNAUTHENTICATED, "The token is expired."),
    TokenState.REVOKED: (Reason.REVOKED, ErrorCode.UNAUTHENTICATED, "The token was revoked."),
    TokenState.BLOCKED: (
        Reason.BLOCKED,
        ErrorCode.PERMISSION_DENIED,
        "Your account has been blocked.",
    ),
}

_LACKS = {
    Reason.NO_READ: "This feature is disabled in the project, or only members can use it.",
    Reason.NO_PACKAGE: "You can't upload files to this project: the Developer role or higher is required.",
    Reason.NO_WRITE: "You can't change this part of the project: the Developer role or higher is required.",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """The owner of a token and their abilities in one project. ``project`` is None if it is hidden from them."""

    state: TokenState
    scopes: frozenset[str]
    abilities: frozenset[Ability]
    project: int | None
    caller: Caller

    @classmethod
    def of(cls, answer: Authorization, *, opened: bool = False) -> "Grant":
        """Return the grant of an answer. ``opened`` means that it is about the root project in open mode."""
        project, path = (answer.project.id, answer.project.path) if answer.project else (None, "")
        abilities = frozenset(answer.abilities)
        if opened and answer.state is TokenState.ACTIVE:
            project, path, abilities = ROOT_PROJECT, ROOT_PATH, abilities | DEVELOPER
        caller = Caller(
            project=project or 0,
            user_id=answer.user_id or None,
            username=answer.username,
            project_path=path,
            is_admin=answer.is_admin,
            scopes=frozenset(answer.scopes),
        )
        return cls(answer.state, frozenset(answer.scopes), abilities, project, caller)

    @property
    def is_positive(self) -> bool:
        """Return whether the token is valid and the project is visible to its owner."""
        return self.state is TokenState.ACTIVE and self.project is not None

    def check_token(self, scopes: frozenset[str]) -> None:
        """Raise AccessRefused if the token is invalid or has none of these scopes."""
        if self.state is not TokenState.ACTIVE:
            raise AccessRefused(*_STATES[self.state])
        if self.scopes.isdisjoint(scopes):
            listed = " ".join(sorted(scopes))
            message = f"The token's scopes are not sufficient; one of these is required: {listed}."
            raise AccessRefused(Reason.SCOPE, ErrorCode.PERMISSION_DENIED, message, listed)

    def check(self, permission: Permission, workspace: str = "") -> None:
        """Raise AccessRefused for the first permission that is missing, in GitLab's order.

        ``workspace`` is the project's name in the request, if the request names a workspace.
        """
        self.check_token(permission.scopes)
        if self.project is None:
            raise hidden_workspace(workspace) if workspace else hidden_project()
        for abilities, reason in permission.checks:
            if not abilities <= self.abilities:
                raise AccessRefused(reason, ErrorCode.PERMISSION_DENIED, _LACKS[reason])


def hidden_project() -> AccessRefused:
    """Return the error for a project that does not exist or is hidden. The caller can't tell which."""
    message = "The project does not exist, or you have no access to it."
    return AccessRefused(Reason.HIDDEN_PROJECT, ErrorCode.RESOURCE_DOES_NOT_EXIST, message)


def hidden_workspace(name: str) -> AccessRefused:
    """Return the error for a workspace that does not exist or is hidden, in MLflow's words."""
    message = f"Workspace '{name}' not found"
    return AccessRefused(Reason.HIDDEN_PROJECT, ErrorCode.RESOURCE_DOES_NOT_EXIST, message)


def no_session() -> AccessRefused:
    """Return the error for a session that has ended, or never was."""
    message = "You are not signed in, or your session has ended. Sign in again: reload the page."
    return AccessRefused(Reason.NO_TOKEN, ErrorCode.UNAUTHENTICATED, message)


def foreign_page() -> AccessRefused:
    """Return the error for a request with a session's cookie that no page of this server has sent."""
    message = (
        "A session counts only for requests from this server's own pages. The browser's headers Sec-Fetch-Site and "
        "Origin do not show that this request came from one. Send a token instead: 'Authorization: Bearer <token>'."
    )
    return AccessRefused(Reason.FOREIGN_PAGE, ErrorCode.PERMISSION_DENIED, message)


def no_token() -> AccessRefused:
    """Return the error for a request without a token where one is required."""
    message = (
        "A token is required. Set MLFLOW_TRACKING_TOKEN, or send 'Authorization: Bearer <token>'."
    )
    return AccessRefused(Reason.NO_TOKEN, ErrorCode.UNAUTHENTICATED, message)
