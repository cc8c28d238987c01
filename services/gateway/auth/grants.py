"""The answers of the access service, in the form that each request is measured against."""

from dataclasses import dataclass, replace

from services.gateway.auth.callers import Caller
from services.gateway.auth.permissions import Permission
from services.gateway.auth.refusals import AccessRefused, Reason
from shared.contracts.access import Ability, Authorization, TokenState
from shared.contracts.errors import ErrorCode
from shared.contracts.root_project import ROOT_PATH, ROOT_PROJECT

DEVELOPER = frozenset(Ability) - {Ability.ADMIN_PROJECT}
"""What everybody may do in the root project where access is open."""

_STATES = {
    TokenState.UNKNOWN: (Reason.UNKNOWN, ErrorCode.UNAUTHENTICATED, "The token is not known."),
    TokenState.EXPIRED: (Reason.EXPIRED, ErrorCode.UNAUTHENTICATED, "The token is expired."),
    TokenState.REVOKED: (Reason.REVOKED, ErrorCode.UNAUTHENTICATED, "The token was revoked."),
    TokenState.BLOCKED: (
        Reason.BLOCKED,
        ErrorCode.PERMISSION_DENIED,
        "Your account has been blocked.",
    ),
}

_LACKS = {
    Reason.NO_READ: "This part of the project is switched off, or for members only.",
    Reason.NO_PACKAGE: "You may not upload files to this project; it takes a Developer.",
    Reason.NO_WRITE: "You may not change this part of the project; it takes a Developer.",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """Who a token is of, and what they may do in one project, which is null if it is hidden."""

    state: TokenState
    scopes: frozenset[str]
    abilities: frozenset[Ability]
    project: int | None
    caller: Caller
    """Behind MLflow's door."""
    caller_by_project: Caller
    """Behind GitLab's."""

    @classmethod
    def of(cls, answer: Authorization, *, opened: bool = False) -> "Grant":
        """Read an answer; ``opened`` if it is about the root project, and everybody may use that."""
        project, path = (answer.project.id, answer.project.path) if answer.project else (None, "")
        abilities = frozenset(answer.abilities)
        if opened and answer.state is TokenState.ACTIVE:
            project, path, abilities = ROOT_PROJECT, ROOT_PATH, abilities | DEVELOPER
        caller = Caller(
            project=project or 0,
            user_id=answer.user_id or None,
            username=answer.username,
            project_path=path,
        )
        return cls(
            answer.state,
            frozenset(answer.scopes),
            abilities,
            project,
            caller,
            replace(caller, dialect="gitlab"),
        )

    @property
    def is_positive(self) -> bool:
        """Tell whether it lets anybody do anything."""
        return self.state is TokenState.ACTIVE and self.project is not None

    def check_token(self, scopes: frozenset[str]) -> None:
        """Raise AccessRefused if the token is no good, or for other things than these."""
        if self.state is not TokenState.ACTIVE:
            raise AccessRefused(*_STATES[self.state])
        if self.scopes.isdisjoint(scopes):
            listed = " ".join(sorted(scopes))
            message = f"The token lacks the scope for this; it takes one of: {listed}."
            raise AccessRefused(Reason.SCOPE, ErrorCode.PERMISSION_DENIED, message, listed)

    def check(self, permission: Permission, workspace: str = "") -> None:
        """Raise AccessRefused for the first reason to refuse, in GitLab's order.

        ``workspace`` is how the request calls the project, if it is by such a name.
        """
        self.check_token(permission.scopes)
        if self.project is None:
            raise hidden_workspace(workspace) if workspace else hidden_project()
        for abilities, reason in permission.checks:
            if not abilities <= self.abilities:
                raise AccessRefused(reason, ErrorCode.PERMISSION_DENIED, _LACKS[reason])


def hidden_project() -> AccessRefused:
    """Return the refusal of a project that is not there, or that the caller must not know of."""
    message = "There is no such project, or it is not visible to you."
    return AccessRefused(Reason.HIDDEN_PROJECT, ErrorCode.RESOURCE_DOES_NOT_EXIST, message)


def hidden_workspace(name: str) -> AccessRefused:
    """Return the same in MLflow's words for a workspace that it doesn't find."""
    message = f"Workspace '{name}' not found"
    return AccessRefused(Reason.HIDDEN_PROJECT, ErrorCode.RESOURCE_DOES_NOT_EXIST, message)


def no_token() -> AccessRefused:
    """Return the refusal of a caller who shows no token where one is asked for."""
    message = "You are not authenticated. Set MLFLOW_TRACKING_TOKEN to an access token."
    return AccessRefused(Reason.NO_TOKEN, ErrorCode.UNAUTHENTICATED, message)
