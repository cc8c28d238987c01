"""Access tokens: GitLab's REST API.

No message holds a token's text, only digests: of a new token, which the gateway has made, and of the
one that the request came with, for GitLab's ``self``.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts import limits
from shared.contracts.accounts import Name, Paged
from shared.contracts.members import AccessLevel, Of
from shared.contracts.message import AtMost, Command, Int64, Query, Wire

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Scopes = Annotated[
    list[
        Literal[
            "api",
            "read_api",
            "read_user",
            "self_rotate",
            "read_repository",
            "write_repository",
            "read_registry",
            "write_registry",
            "create_runner",
            "k8s_proxy",
        ]
    ],
    Field(min_length=1),
    AtMost(limits.USERS),
]
"""Those of GitLab's that clients ask for; ``api``, ``read_api``, ``read_user``, ``self_rotate`` count here."""

Note = Annotated[str, StringConstraints(max_length=255)]


class Token(Wire):
    """A token, but for its text; ``access_level`` is a project's or a group's token's."""

    id: int
    name: str
    description: str
    revoked: bool
    active: bool
    scopes: list[str]
    user_id: int
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    access_level: int | None = None


class OneToken(Wire):
    """``token_id`` is a number, or ``self``: the token whose digest is ``own_digest``."""

    token_id: Annotated[str, Field(pattern=r"^(self|[0-9]{1,18})$", coerce_numbers_to_str=True)]
    own_digest: str = ""


class TokenPage(Paged):
    """A page of tokens, all or some of them; ``search`` is a part of the name."""

    state: Literal["active", "inactive"] | None = None
    revoked: bool | None = None
    search: str | None = None


class ListTokens(TokenPage):
    """List personal tokens: the caller's, or for an administrator anybody's."""

    user_id: Int64 | None = None


class GetToken(Query, OneToken):
    """Read a personal token."""

    service = "access"


class CreateToken(Command):
    """Make a personal token of a user; only administrators may."""

    service = "access"
    new_digest: Digest
    user_id: Int64
    name: Name
    description: Note = ""
    scopes: Scopes
    expires_at: date | None = None


class RotateToken(Command, OneToken):
    """Put a new token in the place of one, which is revoked; without a date it ends in a week."""

    service = "access"
    new_digest: Digest
    expires_at: date | None = None


class RevokeToken(Command, OneToken):
    """Revoke a personal token."""

    service = "access"


class ListAccessTokens(TokenPage, Of):
    """List a project's or a group's own tokens."""


class GetAccessToken(Query, Of, OneToken):
    """Read one of them."""

    service = "access"


class CreateAccessToken(Command, Of):
    """Make one, and a user who bears it and has a role there."""

    service = "access"
    new_digest: Digest
    name: Name
    description: Note = ""
    scopes: Scopes
    access_level: AccessLevel = 40
    expires_at: date


class RotateAccessToken(Command, Of, OneToken):
    """As ``RotateToken``."""

    service = "access"
    new_digest: Digest
    expires_at: date | None = None


class RevokeAccessToken(Command, Of, OneToken):
    """As ``RevokeToken``."""

    service = "access"


class Rotated(Wire):
    """The new token; null if the old one had been revoked before: all that came from it are now."""

    token: Token | None
