"""Events of the access service. They tell every gateway to drop cached authorizations."""

from typing import ClassVar

from shared.contracts.message import DomainEvent


class TokensRevoked(DomainEvent):
    """Tokens became invalid. ``digests`` are their SHA-256 digests in hex."""

    topic: ClassVar[str] = "token.revoked"
    digests: list[str]


class SessionsEnded(DomainEvent):
    """Sessions of browsers ended before their time. ``digests`` are the SHA-256 digests of their cookies, in hex."""

    topic: ClassVar[str] = "session.ended"
    digests: list[str]


class MemberChanged(DomainEvent):
    """A user's role in a project or a group was added, changed or removed."""

    topic: ClassVar[str] = "member.changed"


class ProjectChanged(DomainEvent):
    """A project or a group was created or deleted, or its visibility changed."""

    topic: ClassVar[str] = "project.changed"


class UserChanged(DomainEvent):
    """A user was blocked or unblocked, or an administrator's rights were granted or withdrawn."""

    topic: ClassVar[str] = "user.changed"
