"""Who is asking, and about which project.

A door looks at a request and names the caller, or refuses it. Endpoints are registered together
with the door that leads to them, so nothing behind the door knows how the caller was recognised.
The doors are in ``services/gateway/auth/authenticators.py``.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp.web import BaseRequest, RequestKey

from services.gateway.auth.permissions import Permission
from services.gateway.dialects.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Caller:
    """The context of a command that comes from the request's address and credentials."""

    project: int
    user_id: int | None = None
    username: str = ""
    dialect: Literal["mlflow", "gitlab"] = "mlflow"
    project_path: str = ""
    """The project's full path, for links."""


Authenticate = Callable[[BaseRequest], Awaitable[Caller]]
"""Raises AccessRefused; DomainError if nobody knows."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A way in: makes the door of a route from what the route needs, and names the dialect behind it."""

    authenticate: Callable[[Permission], Authenticate]
    dialect: Dialect


PROJECT = RequestKey("project", str)
"""What a path under GitLab's prefix calls its project: an id or a full path, percent-decoded."""
