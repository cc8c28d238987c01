"""The caller of a request, and the project that the request is about.

An authenticator returns the caller of a request, or refuses the request. Each endpoint is registered with an
authenticator, so its handler does not know how the caller was recognised. The authenticators are in
``services/gateway/auth/authenticators.py``.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp.web import BaseRequest, RequestKey

from services.gateway.auth.permissions import Permission
from services.gateway.dialects.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Caller:
    """The part of an envelope that follows from the request's path and credentials."""

    project: int
    user_id: int | None = None
    username: str = ""
    project_path: str = ""
    """The project's full path, for links."""
    is_admin: bool = False
    scopes: frozenset[str] = frozenset()
    """The scopes of the token; empty for an anonymous caller."""


Authenticator = Callable[[BaseRequest], Awaitable[Caller]]
"""Returns the caller of a request. Raises AccessRefused; DomainError if the access service does not answer."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A place where the API is reachable. ``authenticator_for`` makes the authenticator of a route."""

    authenticator_for: Callable[[Permission], Authenticator]
    dialect: Dialect


PROJECT = RequestKey("project", str)
"""Request key of the project in a path under GitLab's prefix: an id or a full path, percent-decoded."""
