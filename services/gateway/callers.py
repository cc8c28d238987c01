"""Who is asking, and about which project.

A door is a way in: it looks at a request and names the caller. Endpoints are registered together
with the door that leads to them, so nothing behind the door knows how the caller was recognised.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp.web import BaseRequest

from shared.projects import ROOT_PROJECT


@dataclass(frozen=True, slots=True)
class Caller:
    """The context of a command that comes from the request's address and credentials."""

    project: int
    user: str = ""
    dialect: str = "mlflow"


Door = Callable[[BaseRequest], Awaitable[Caller]]

_ANYONE = Caller(ROOT_PROJECT)


async def root_door(_request: BaseRequest) -> Caller:
    """Admit everyone to the root project, as an MLflow server without authentication does."""
    return _ANYONE
