"""What the access service tells every gateway, so that nobody is let in by what was true before."""

from typing import ClassVar

from shared.contracts.message import DomainEvent


class TokensRevoked(DomainEvent):
    """Tokens are good for nothing any more; they are told by their digests, in hex."""

    topic: ClassVar[str] = "token.revoked"
    digests: list[str]


class MemberChanged(DomainEvent):
    """Somebody has a role, another one or none, in a project or a group."""

    topic: ClassVar[str] = "member.changed"


class ProjectChanged(DomainEvent):
    """A project or a group was made, is seen by others than before, or is gone."""

    topic: ClassVar[str] = "project.changed"


class UserChanged(DomainEvent):
    """A user was blocked or let in again, or is an administrator or no more."""

    topic: ClassVar[str] = "user.changed"
