"""Tells MLflow's UI which user is signed in.

These are endpoints of MLflow's optional app for basic authentication (``mlflow/server/auth``). The UI asks for them on
each page and shows the user's name. Warren has GitLab's users and roles instead, so no user has a role of MLflow's.
``is_basic_auth`` is false: the UI then offers no change of a password, and no sign-out that works by the browser's
dialog.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiohttp.web import BaseRequest, Response
from pydantic_core import to_json

from services.gateway.auth.authenticators import Authenticators
from services.gateway.auth.callers import Caller
from services.gateway.auth.permissions import READ_SCOPES
from services.gateway.dialects.mlflow import MLFLOW
from services.gateway.http.forward import JSON_HEADERS, error_response
from services.gateway.http.requests import read_request_id
from services.gateway.http.routing import Handler, Parameters
from shared.messaging.messages import new_id

Describe = Callable[[Caller], Mapping[str, Any]]


def user_routes(authenticators: Authenticators) -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each route, for any mount."""
    for prefix in ("/api/", "/ajax-api/"):
        for path, describe in (
            ("2.0/mlflow/users/current", _current),
            ("3.0/mlflow/users/current/permissions", _permissions),
            ("3.0/mlflow/users/roles/list", _roles),
        ):
            yield "GET", prefix + path, _handler(authenticators, describe)


def _handler(authenticators: Authenticators, describe: Describe) -> Handler:
    # A project's mount authenticates for a project, which these answers are not about.
    authenticate = authenticators.of_user(
        READ_SCOPES, allow_session=True, allow_anonymous=authenticators.open
    )

    async def handle(request: BaseRequest, _parameters: Parameters) -> Response:
        request_id = read_request_id(request.headers, new_id().hex)
        try:
            body = to_json(describe(await authenticate(request)))
        except Exception as error:
            return error_response(error, request, request_id, MLFLOW)
        return Response(body=body, headers={**JSON_HEADERS, "X-Request-Id": request_id})

    return handle


def _current(caller: Caller) -> Mapping[str, Any]:
    """Return the caller; nothing for an anonymous one, whom the UI then shows no account."""
    if caller.user_id is None:
        return {}
    user = {"id": caller.user_id, "username": caller.username, "is_admin": caller.is_admin}
    return {"user": user, "is_basic_auth": False}


def _permissions(caller: Caller) -> Mapping[str, Any]:
    return {"is_admin": caller.is_admin, "permissions": []}


def _roles(_caller: Caller) -> Mapping[str, Any]:
    return {"roles": []}
