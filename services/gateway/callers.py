"""Who is asking, and about which project.

A door is a way in: it looks at a request and names the caller. Endpoints are registered together
with the door that leads to them, so nothing behind the door knows how the caller was recognised.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp.web import BaseRequest, RequestKey

from services.gateway.access.refusals import AccessRefused, Reason
from services.gateway.dialects import gitlab, mlflow
from services.gateway.dialects.dialect import Dialect
from shared.errors import ErrorCode
from shared.projects import ROOT_PROJECT


@dataclass(frozen=True, slots=True)
class Caller:
    """The context of a command that comes from the request's address and credentials."""

    project: int
    user: str = ""
    dialect: Literal["mlflow", "gitlab"] = "mlflow"


Door = Callable[[BaseRequest], Awaitable[Caller]]


@dataclass(frozen=True, slots=True)
class Entrance:
    """A door, and the dialect that is spoken behind it."""

    door: Door
    dialect: Dialect


PROJECT = RequestKey("project", str)
"""What a path under GitLab's prefix calls its project: an id or a full path, percent-decoded."""

_ANYONE = Caller(ROOT_PROJECT)
_ANYONE_BY_PROJECT = Caller(ROOT_PROJECT, dialect="gitlab")


async def root_door(_request: BaseRequest) -> Caller:
    """Admit everyone to the root project, as an MLflow server without authentication does."""
    return _ANYONE


async def project_door(request: BaseRequest) -> Caller:
    """Admit everyone to the root project by its id; there is no other project yet."""
    if request[PROJECT] != str(ROOT_PROJECT):
        message = f"There is no project {request[PROJECT]}."
        raise AccessRefused(Reason.HIDDEN_PROJECT, ErrorCode.RESOURCE_DOES_NOT_EXIST, message)
    return _ANYONE_BY_PROJECT


ROOT = Entrance(root_door, mlflow)
BY_PROJECT = Entrance(project_door, gitlab)
