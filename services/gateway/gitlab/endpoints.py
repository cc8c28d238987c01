"""The endpoints of GitLab's REST API: one line per endpoint, with GitLab's paths under ``/api/v4``.

The variable parts of a path become fields of the contract, percent-decoded. ``source`` and ``project``
are a number or a full path.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from services.gateway.http.endpoint import Endpoint
from shared.contracts import accounts as a
from shared.contracts import members as m
from shared.contracts import projects as p
from shared.contracts import tokens as t

API = "/api/v4"

SELF_SERVICE = frozenset({"api", "read_api", "read_user", "self_rotate"})
"""Scopes with which a token may read and revoke itself."""

READ_USER = frozenset({"read_user"})
SELF_ROTATE = frozenset({"self_rotate"})

MAX_BYTES = 100_000
"""The largest body."""

_endpoint = partial(Endpoint, prefixes=(API,), max_bytes=MAX_BYTES)


def _of_sources() -> Iterator[Endpoint]:
    """Yield the endpoints that projects and groups have in common."""
    for kind in ("project", "group"):
        root, source = f"/{kind}s/{{source}}", {"source_kind": kind}
        inherited = {**source, "inherited": True}
        endpoint = partial(_endpoint, implied_fields=source)
        of_all = partial(_endpoint, implied_fields=inherited)
        members, member = f"{root}/members", f"{root}/members/{{user_id}}"
        yield endpoint("GET", members, m.ListMembers, m.Member)
        yield of_all("GET", f"{members}/all", m.ListMembers, m.Member)
        yield of_all("GET", f"{members}/all/{{user_id}}", m.GetMember, m.Member)
        yield endpoint("POST", members, m.AddMember, m.Member, status=201)
        yield endpoint("GET", member, m.GetMember, m.Member)
        yield endpoint("PUT", member, m.UpdateMember, m.Member)
        yield endpoint("DELETE", member, m.RemoveMember, None, status=204)
        tokens, token = f"{root}/access_tokens", f"{root}/access_tokens/{{token_id}}"
        rotation = partial(
            _endpoint, "POST", contract=t.RotateAccessToken, reply=t.Token, issues="rotated token"
        )
        of_itself = {**source, "token_id": "self"}
        yield endpoint("GET", tokens, t.ListAccessTokens, t.Token)
        yield endpoint("POST", tokens, t.CreateAccessToken, t.Token, status=201, issues="token")
        yield endpoint("GET", token, t.GetAccessToken, t.Token)
        yield endpoint("DELETE", token, t.RevokeAccessToken, None, status=204)
        yield rotation(f"{token}/rotate", implied_fields=source)
        yield rotation(f"{tokens}/self/rotate", implied_fields=of_itself, extra_scopes=SELF_ROTATE)


TOKENS = "/personal_access_tokens"
SELF: Mapping[str, object] = {"token_id": "self"}

ENDPOINTS = (
    _endpoint("GET", "/user", a.GetUser, a.OthersUser, extra_scopes=READ_USER),
    _endpoint("GET", "/users", a.ListUsers, a.BasicUser, extra_scopes=READ_USER),
    _endpoint("POST", "/users", a.CreateUser, a.User, status=201),
    _endpoint("GET", "/users/{user_id}", a.GetUser, a.OthersUser, extra_scopes=READ_USER),
    _endpoint("POST", "/users/{user_id}/block", a.BlockUser, bool, status=201, implied_fields={"state": "blocked"}),
    _endpoint("POST", "/users/{user_id}/unblock", a.UnblockUser, bool, status=201, implied_fields={"state": "active"}),
    _endpoint("POST", "/users/{user_id}/personal_access_tokens", t.CreateToken, t.Token, status=201, issues="token"),
    _endpoint("GET", TOKENS, t.ListTokens, t.Token),
    _endpoint("GET", f"{TOKENS}/self", t.GetToken, t.Token, implied_fields=SELF, extra_scopes=SELF_SERVICE),
    _endpoint("DELETE", f"{TOKENS}/self", t.RevokeToken, None, status=204, implied_fields=SELF, extra_scopes=SELF_SERVICE),
    _endpoint(
        "POST",
        f"{TOKENS}/self/rotate",
        t.RotateToken,
        t.Token,
        implied_fields=SELF,
        extra_scopes=SELF_ROTATE,
        issues="rotated token",
        allow_revoked=True,
    ),
    _endpoint("GET", f"{TOKENS}/{{token_id}}", t.GetToken, t.Token),
    _endpoint("DELETE", f"{TOKENS}/{{token_id}}", t.RevokeToken, None, status=204),
    _endpoint("POST", f"{TOKENS}/{{token_id}}/rotate", t.RotateToken, t.Token, issues="rotated token"),
    _endpoint("GET", "/groups", a.ListGroups, a.Group, anonymous="always"),
    _endpoint("POST", "/groups", a.CreateGroup, a.Group, status=201),
    _endpoint("GET", "/groups/{group}", a.GetGroup, a.Group, anonymous="always"),
    _endpoint("GET", "/projects", p.ListProjects, p.ProjectReply, anonymous="always"),
    _endpoint("POST", "/projects", p.CreateProject, p.ProjectReply, status=201),
    _endpoint("GET", "/projects/{project}", p.GetProject, p.ProjectReply, anonymous="always"),
    _endpoint("PUT", "/projects/{project}", p.UpdateProject, p.ProjectReply),
    _endpoint("DELETE", "/projects/{project}", p.DeleteProject, p.Accepted, status=202),
    *_of_sources(),
)  # fmt: skip
"""A template stands before a more general one that matches the same paths: the first match counts."""
