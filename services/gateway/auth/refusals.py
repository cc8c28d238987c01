"""The reasons for which a caller is refused. Each dialect turns them into answers."""

from enum import StrEnum

from shared.contracts.errors import DomainError, ErrorCode


class Reason(StrEnum):
    """Why a caller is refused, in the order of the checks."""

    NO_TOKEN = "no_token"  # noqa: S105  # It is the lack of one.
    FOREIGN_PAGE = "foreign_page"
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
    """The caller may not do this. For ``Reason.SCOPE``, ``scope`` lists the scopes that are enough."""

    def __init__(self, reason: Reason, code: ErrorCode, message: str, scope: str = "") -> None:
        super().__init__(code, message)
        self.reason = reason
        self.scope = scope
