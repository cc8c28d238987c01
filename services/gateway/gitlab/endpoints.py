"""The endpoints of GitLab's REST API: one line per endpoint, with GitLab's paths under ``/api/v4``.

The variable parts of a path become fields of the contract, percent-decoded. ``source`` and ``project``
are a number or a full path.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.gateway.auth.permissions import READ_SCOPES, WRITE_SCOPES
from shared.contracts import accounts as a
from shared.contracts import members as m
from shared.contracts import projects as p
from shared.contracts import tokens as t
from shared.contracts.message import Message

API = "/api/v4"

SELF_SERVICE = frozenset({"api", "read_api", "read_user", "self_rotate"})
"""Scopes with which a token may read and revoke itself."""


@dataclass(frozen=True, slots=True)
class RestEndpoint:
    """One endpoint.

    ``fixed`` are fields of the contract that follow from the path without a variable part. ``also`` are scopes
    that are enough besides ``api`` and, for reads, ``read_api``. ``makes`` says that the endpoint creates a token:
    the gateway generates it, and the services get its digest only.

    ``reuse`` lets a revoked token in, whose reuse makes the service revoke its successors. ``public`` lets
    anonymous callers in, who see public items. ``open`` lets them in only in open mode, to see the root project.
    """

    method: str
    path: str
    contract: type[Message]
    status: int = 200
    fixed: Mapping[str, object] = field(default_factory=dict)
    also: frozenset[str] = frozenset()
    makes: Literal["", "token", "successor"] = ""
    reuse: bool = False
    public: bool = False
    open: bool = False

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of which the caller's token needs one."""
        return self.also | (WRITE_SCOPES if self.contract.changes else READ_SCOPES)


def _of_sources() -> Iterator[RestEndpoint]:
    """Yield the endpoints that projects and groups have in common."""
    for kind in ("project", "group"):
        root, of = f"/{kind}s/{{source}}", {"source_kind": kind}
        every = {**of, "inherited": True}
        one = f"{root}/members/{{user_id}}"
        yield RestEndpoint("GET", f"{root}/members", m.ListMembers, fixed=of)
        yield RestEndpoint("GET", f"{root}/members/all", m.ListMembers, fixed=every)
        yield RestEndpoint("GET", f"{root}/members/all/{{user_id}}", m.GetMember, fixed=every)
        yield RestEndpoint("POST", f"{root}/members", m.AddMember, 201, of)
        yield RestEndpoint("GET", one, m.GetMember, fixed=of)
        yield RestEndpoint("PUT", one, m.UpdateMember, fixed=of)
        yield RestEndpoint("DELETE", one, m.RemoveMember, 204, of)
        tokens, token = f"{root}/access_tokens", f"{root}/access_tokens/{{token_id}}"
        rotating = frozenset({"self_rotate"})
        yield RestEndpoint("GET", tokens, t.ListAccessTokens, fixed=of)
        yield RestEndpoint("POST", tokens, t.CreateAccessToken, 201, of, makes="token")
        yield RestEndpoint("GET", token, t.GetAccessToken, fixed=of)
        yield RestEndpoint("DELETE", token, t.RevokeAccessToken, 204, of)
        yield RestEndpoint(
            "POST",
            f"{token}/rotate",
            t.RotateAccessToken,
            fixed=of,
            makes="successor",
        )
        yield RestEndpoint(
            "POST",
            f"{tokens}/self/rotate",
            t.RotateAccessToken,
            fixed={**of, "token_id": "self"},
            also=rotating,
            makes="successor",
        )


TOKENS = "/personal_access_tokens"
SELF: Mapping[str, object] = {"token_id": "self"}

ENDPOINTS = (
    RestEndpoint("GET", "/user", a.GetUser, also=frozenset({"read_user"})),
    RestEndpoint("GET", "/users", a.ListUsers, also=frozenset({"read_user"})),
    RestEndpoint("POST", "/users", a.CreateUser, 201),
    RestEndpoint("GET", "/users/{user_id}", a.GetUser, also=frozenset({"read_user"})),
    RestEndpoint("POST", "/users/{user_id}/block", a.BlockUser, 201, {"state": "blocked"}),
    RestEndpoint("POST", "/users/{user_id}/unblock", a.UnblockUser, 201, {"state": "active"}),
    RestEndpoint("POST", "/users/{user_id}/personal_access_tokens", t.CreateToken, 201, makes="token"),
    RestEndpoint("GET", TOKENS, t.ListTokens),
    RestEndpoint("GET", f"{TOKENS}/self", t.GetToken, fixed=SELF, also=SELF_SERVICE),
    RestEndpoint("DELETE", f"{TOKENS}/self", t.RevokeToken, 204, SELF, SELF_SERVICE),
    RestEndpoint(
        "POST",
        f"{TOKENS}/self/rotate",
        t.RotateToken,
        fixed=SELF,
        also=frozenset({"self_rotate"}),
        makes="successor",
        reuse=True,
    ),
    RestEndpoint("GET", f"{TOKENS}/{{token_id}}", t.GetToken),
    RestEndpoint("DELETE", f"{TOKENS}/{{token_id}}", t.RevokeToken, 204),
    RestEndpoint("POST", f"{TOKENS}/{{token_id}}/rotate", t.RotateToken, makes="successor"),
    RestEndpoint("GET", "/groups", a.ListGroups, public=True),
    RestEndpoint("POST", "/groups", a.CreateGroup, 201),
    RestEndpoint("GET", "/groups/{group}", a.GetGroup, public=True),
    RestEndpoint("GET", "/projects", p.ListProjects, public=True),
    RestEndpoint("POST", "/projects", p.CreateProject, 201),
    RestEndpoint("GET", "/projects/{project}", p.GetProject, public=True),
    RestEndpoint("PUT", "/projects/{project}", p.UpdateProject),
    RestEndpoint("DELETE", "/projects/{project}", p.DeleteProject, 202),
    *_of_sources(),
)  # fmt: skip
"""A template stands before a more general one that matches the same paths: the first match counts."""
