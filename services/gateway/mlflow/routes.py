"""The routes of MLflow's API, for its mount at the root and its mount behind each project's prefix."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from aiohttp.web import BaseRequest, Response

from services.gateway.artifacts.direct import is_direct, refuse_direct
from services.gateway.artifacts.handlers import Streams
from services.gateway.artifacts.roots import (
    uri_of_model,
    uri_of_run,
    uri_of_run_or_model,
)
from services.gateway.artifacts.routes import stream_routes
from services.gateway.dialects.dialect import Dialect
from services.gateway.dialects.gitlab import GITLAB
from services.gateway.dialects.mlflow import MLFLOW
from services.gateway.http.endpoint import Endpoint
from services.gateway.http.forward import FieldLookup, domain_error_response, forward
from services.gateway.http.parts import forward_in_parts
from services.gateway.http.requests import read_request_id
from services.gateway.http.routing import Handler
from services.gateway.mlflow.endpoints import ENDPOINTS
from services.gateway.mlflow.own_handlers import own_handler
from shared.contracts.errors import DomainError
from shared.messaging.messages import new_id

GITLAB_PREFIX = "/api/v4/"
"""All paths under this prefix have GitLab's dialect."""

MLFLOW_OF_PROJECT = "/ml/mlflow"
"""The part of a tracking URI that follows the project, in GitLab's dialect."""

_PROJECT = re.compile(r"/api/v4/projects/([^/]+)(/.+)", re.DOTALL)
_PROJECT_LOOSELY = re.compile(r"/+api/+v4/+projects/([^/]+)(/.+)", re.DOTALL)
"""Repeated slashes count as one, except before the project: a segment after a missing project is no project."""
_ALIAS = re.compile(r"\A/+mlflow(?=/|\Z)")
"""The documentation of gitlab-mlops has this instead of ``MLFLOW_OF_PROJECT`` in tracking URIs."""

FIELD_LOOKUPS: Mapping[str, FieldLookup] = {
    "run": uri_of_run,
    "model": uri_of_model,
    "run or model": uri_of_run_or_model,
}
"""The look-up of each ``Endpoint.owner``."""


def inside_project(path: str, *, loosely: bool = False) -> tuple[str, str] | None:
    """Split an encoded path under GitLab's prefix into the decoded project and the encoded rest.

    Return None for another path. With ``loosely`` repeated slashes count as one.
    """
    found = (_PROJECT_LOOSELY if loosely else _PROJECT).fullmatch(path)
    if found is None:
        return None
    rest = found[2]
    if not rest.startswith("/ml/"):
        rest = _ALIAS.sub(MLFLOW_OF_PROJECT, rest)
    return unquote(found[1]), rest


def dialect_of(request: BaseRequest) -> Dialect:
    """Return the dialect of an answer that comes from no handler."""
    path = "/" + request.path.lstrip("/")
    return GITLAB if path.startswith(GITLAB_PREFIX) else MLFLOW


def unrouted_error(request: BaseRequest, error: DomainError) -> Response:
    """Return the error's answer for a request that reaches no handler."""
    return domain_error_response(
        error, read_request_id(request.headers, new_id().hex), dialect_of(request)
    )


def mlflow_routes(streams: Streams) -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each route of MLflow's API, for one mount."""
    for endpoint in ENDPOINTS:
        handler = _handler(endpoint, streams)
        for method, path in endpoint.routes:
            yield method, path, handler
    yield from stream_routes(streams)


def _handler(endpoint: Endpoint, streams: Streams) -> Handler:
    if endpoint.in_parts:
        return forward_in_parts(endpoint, streams.bus, streams.mount, streams.settings)
    look_up_fields = FIELD_LOOKUPS.get(endpoint.owner)
    if is_direct(endpoint.contract) and not streams.settings.direct_artifacts:
        look_up_fields = refuse_direct(endpoint.contract)
    own = own_handler(endpoint, streams.bus, streams.mount, streams.settings)
    return own or forward(endpoint, streams.bus, streams.mount, streams.settings, look_up_fields)
