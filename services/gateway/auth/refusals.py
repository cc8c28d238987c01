"""Why somebody is not let in; how that is said is the dialect's business."""

from enum import StrEnum

from shared.contracts.errors import DomainError, ErrorCode


class Reason(StrEnum):
    """What stands in the way, in the order in which it is looked at."""

    NO_TOKEN = "no_token"  # noqa: S105  # It is the lack of one.
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    BLOCKED = "blocked"
    SCOPE = "scope"
    HIDDEN_PROJECT = "hidden_project"
    NO_READ = "no_read"
    NO_PACKAGE = "no_package"
    NO_WRITE = "no_write"


class AccessRefused(DomainError):
    """The caller may not do this. ``scope`` are the token scopes that would do, where it is that."""

    def __init__(self, reason: Reason, code: ErrorCode, message: str, scope: str = "") -> None:
        super().__init__(code, message)
        self.reason = reason
        self.scope = scope
