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
from services.gateway.gitlab.endpoints import ENDPOINTS
from services.gateway.gitlab.web_urls import Fill, web_urls
from services.gateway.http.endpoint import Endpoint
from services.gateway.http.fields import overlay_of
from services.gateway.http.forward import JSON_HEADERS, body_reader, error_response
from services.gateway.http.requests import read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from shared.contracts.accounts import Paged
from shared.contracts.token_digests import digest_of, new_token
from shared.contracts.tokens import OneToken
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.runtime import log_context

NO_CONTENT = 204


def rest_routes(
    authenticators: Authenticators, bus: Bus, settings: Settings
) -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each endpoint."""
    for dialect, endpoints in ((GITLAB_REST, ENDPOINTS), (MLFLOW, workspaces.ENDPOINTS)):
        for endpoint in endpoints:
            handler = rest(endpoint, dialect, authenticators, bus, settings)
            for method, path in endpoint.routes:
                yield method, path, handler


def rest(
    endpoint: Endpoint,
    dialect: Dialect,
    authenticators: Authenticators,
    bus: Bus,
    settings: Settings,
) -> Handler:
    """Return the handler of one endpoint."""
    authenticate = authenticators.of_user(
        endpoint.scopes,
        allow_revoked=endpoint.allow_revoked,
        allow_anonymous=endpoint.anonymous == "always"
        or (endpoint.anonymous == "in open mode" and authenticators.open),
        # A page can read the UI's data with a session, but make no tokens, users or members.
        allow_session=dialect is MLFLOW,
    )
    fill = web_urls(settings.gitlab_url)
    read, overlay = body_reader(endpoint, dialect, settings), overlay_of(endpoint.contract)

    async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
        request_id = read_request_id(request.headers, new_id().hex)
        log_context.request_id.set(request_id)
        token = new_token() if endpoint.issues else ""
        try:
            caller = await authenticate(request)
            values = {**parameters, **endpoint.implied_fields, **_digests(endpoint, request, token)}
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


def _digests(endpoint: Endpoint, request: BaseRequest, token: str) -> Mapping[str, object]:
    """Return the fields that carry digests instead of tokens: no token is sent over the bus."""
    digests: dict[str, object] = {}
    if issubclass(endpoint.contract, OneToken):
        digests["own_digest"] = token_digest(request)
    if token:
        digests["new_digest"] = digest_of(token)
    return digests


def _answer(
    endpoint: Endpoint, request: BaseRequest, body: bytes, token: str, fill: Fill
) -> tuple[answers.Headers, bytes]:
    """Return the headers and body of an answer. Raises AccessRefused."""
    if endpoint.status == NO_CONTENT:
        return {}, b""
    found = from_json(body)
    if issubclass(endpoint.contract, Paged):
        items = [fill(request, item) for item in found["items"]]
        return {**JSON_HEADERS, **answers.page_headers(request, found)}, to_json(items)
    if endpoint.issues == "token":
        return JSON_HEADERS, answers.with_token(found, token)
    if endpoint.issues == "rotated token":
        return JSON_HEADERS, answers.with_rotated_token(found, token)
    return JSON_HEADERS, to_json(fill(request, found) if isinstance(found, dict) else found)
