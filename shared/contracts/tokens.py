"""Access tokens: GitLab's REST API.

No message holds a token's text, only digests: the digest of a new token, which the gateway has created, and the
digest of the request's own token, for GitLab's ``self``.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts import limits
from shared.contracts.accounts import Name, Paged
from shared.contracts.members import AccessLevel, SourceReference
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
    AtMost(limits.SMALL_LIST),
]
"""The GitLab scopes that clients request. Only ``api``, ``read_api``, ``read_user`` and ``self_rotate`` have an
effect here."""

Note = Annotated[str, StringConstraints(max_length=255)]


class Token(Wire):
    """A token without its text; ``access_level`` is set for tokens of projects and groups."""

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
    """``token_id`` is a number or ``self``, which means the token whose digest is ``own_digest``."""

    token_id: Annotated[str, Field(pattern=r"^(self|[0-9]{1,18})$", coerce_numbers_to_str=True)]
    own_digest: str = ""


class TokenPage(Paged):
    """A query for a page of tokens; ``search`` is a part of the name."""

    state: Literal["active", "inactive"] | None = None
    revoked: bool | None = None
    search: str | None = None


class ListTokens(TokenPage):
    """List personal tokens: the caller's or, for an administrator, any user's."""

    user_id: Int64 | None = None


class GetToken(Query, OneToken):
    """Return a personal token."""

    service = "access"


class CreateToken(Command):
    """Create a personal token of a user. Only administrators may do this."""

    service = "access"
    new_digest: Digest
    user_id: Int64
    name: Name
    description: Note = ""
    scopes: Scopes
    expires_at: date | None = None


class RotateToken(Command, OneToken):
    """Revoke a token and create its successor. Without ``expires_at`` the successor expires in a week."""

    service = "access"
    new_digest: Digest
    expires_at: date | None = None


class RevokeToken(Command, OneToken):
    """Revoke a personal token."""

    service = "access"


class ListAccessTokens(TokenPage, SourceReference):
    """List the tokens of a project or a group."""


class GetAccessToken(Query, SourceReference, OneToken):
    """Return one token of a project or a group."""

    service = "access"


class CreateAccessToken(Command, SourceReference):
    """Create a token of a project or a group, and a bot user that holds it and has a role there."""

    service = "access"
    new_digest: Digest
    name: Name
    description: Note = ""
    scopes: Scopes
    access_level: AccessLevel = 40
    expires_at: date


class RotateAccessToken(Command, SourceReference, OneToken):
    """Revoke a token of a project or a group and create its successor, as ``RotateToken`` does."""

    service = "access"
    new_digest: Digest
    expires_at: date | None = None


class RevokeAccessToken(Command, SourceReference, OneToken):
    """Revoke a token of a project or a group."""

    service = "access"


class Rotated(Wire):
    """The new token. Null if the old token had been revoked before: then its whole rotation chain is revoked."""

    token: Token | None
