"""Handlers of GitLab's REST API and of MLflow's workspaces: each request becomes a message to the access service."""

from collections.abc import Iterator, Mapping

from aiohttp.web import BaseRequest, Response, StreamResponse
from pydantic_core import from_json, to_json

from services.gateway.auth.authenticators import Authenticators
from services.gateway.auth.credentials import token_digest
from services.gateway.dialects.dialect import Dialect
from services.gateway.dialects.gitlab import GITLAB_REST
from services.gateway.dialects.mlflow import MLFLOW
from services.gateway.gitlab import answers, workspaces
from services.gateway.gitlab.endpoints import API, ENDPOINTS, RestEndpoint
from services.gateway.gitlab.web_urls import Fill, web_urls
from services.gateway.http.fields import Overlay
from services.gateway.http.forward import JSON_HEADERS, TOO_LONG, error_response
from services.gateway.http.requests import BodyLimit, read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from shared.contracts.accounts import Paged
from shared.contracts.token_digests import digest_of, new_token
from shared.contracts.tokens import OneToken
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.runtime import log_context

MAX_BYTES = 100_000
NO_CONTENT = 204


def rest_routes(
    authenticators: Authenticators, bus: Bus, settings: Settings
) -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each endpoint."""
    for endpoint in ENDPOINTS:
        yield (
            endpoint.method,
            API + endpoint.path,
            rest(endpoint, GITLAB_REST, authenticators, bus, settings),
        )
    for endpoint in workspaces.ENDPOINTS:
        handler = rest(endpoint, MLFLOW, authenticators, bus, settings)
        for prefix in workspaces.PREFIXES:
            yield endpoint.method, prefix + endpoint.path, handler


def rest(
    endpoint: RestEndpoint,
    dialect: Dialect,
    authenticators: Authenticators,
    bus: Bus,
    settings: Settings,
) -> Handler:
    """Return the handler of one endpoint."""
    authenticate = authenticators.of_user(
        endpoint.scopes,
        allow_revoked=endpoint.reuse,
        allow_anonymous=endpoint.public or (endpoint.open and authenticators.open),
    )
    limit = BodyLimit(min(MAX_BYTES, settings.max_body_bytes), TOO_LONG, settings.http.body_timeout)
    fill = web_urls(settings.gitlab_url)
    read, overlay = dialect.reader(endpoint.contract, limit), Overlay(endpoint.contract)

    async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
        request_id = read_request_id(request.headers, new_id().hex)
        log_context.request_id.set(request_id)
        token = new_token() if endpoint.makes else ""
        try:
            caller = await authenticate(request)
            values = {**parameters, **endpoint.fixed, **_digests(endpoint, request, token)}
            payload = overlay.put(await read(request), values)
            services = ServiceClient(
                bus, caller, dialect.name, request_id, settings.request_timeout
            )
            body = await services.forward(endpoint.contract, payload)
            # The caller must see the change at once; the event that tells all gateways comes later.
            if endpoint.contract.changes:
                authenticators.forget()
            headers, content = _answer(endpoint, request, body, token, fill)
            return Response(
                status=endpoint.status,
                body=content,
                headers={**headers, "X-Request-Id": request_id},
            )
        except Exception as error:
            return error_response(error, request, request_id, dialect)

    return handle


def _digests(endpoint: RestEndpoint, request: BaseRequest, token: str) -> Mapping[str, object]:
    """Return the fields that carry digests instead of tokens: no token is sent over the bus."""
    digests: dict[str, object] = {}
    if issubclass(endpoint.contract, OneToken):
        digests["own_digest"] = token_digest(request)
    if token:
        digests["new_digest"] = digest_of(token)
    return digests


def _answer(
    endpoint: RestEndpoint, request: BaseRequest, body: bytes, token: str, fill: Fill
) -> tuple[answers.Headers, bytes]:
    """Return the headers and body of an answer. Raises AccessRefused."""
    if endpoint.status == NO_CONTENT:
        return {}, b""
    found = from_json(body)
    if issubclass(endpoint.contract, Paged):
        items = [fill(request, item) for item in found["items"]]
        return {**JSON_HEADERS, **answers.page_headers(request, found)}, to_json(items)
    if endpoint.makes == "token":
        return JSON_HEADERS, answers.with_token(found, token)
    if endpoint.makes == "successor":
        return JSON_HEADERS, answers.successor(found, token)
    return JSON_HEADERS, to_json(fill(request, found) if isinstance(found, dict) else found)
