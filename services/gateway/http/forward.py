"""The hot path: one HTTP request becomes one envelope, and its answer one HTTP response.

Everything that does not depend on the request is computed once, when the handler is made.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import structlog
from aiohttp.web import BaseRequest, RequestPayloadError, Response, StreamResponse

from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import required_permission
from services.gateway.dialects.dialect import Dialect, Read
from services.gateway.dialects.refusal import HttpError
from services.gateway.http.endpoint import Endpoint
from services.gateway.http.fields import overlay_of
from services.gateway.http.requests import (
    BodyLimit,
    TooSlowError,
    check_key,
    read_request_id,
)
from services.gateway.http.routing import Handler, Parameters
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Command
from shared.messaging.calls import Bus
from shared.messaging.messages import Envelope, new_id
from shared.runtime import log_context

TOO_LONG = "Requests must be at most {limit} bytes, got a request of size {size}."

JSON_HEADERS = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}
"""``nosniff`` keeps browsers from showing an answer as a page, for example when a tag contains HTML."""

_log = structlog.get_logger(__name__)


FieldLookup = Callable[[bytes, ServiceClient], Awaitable[Mapping[str, str]]]
"""Returns the fields of a payload that only another service knows. Raises DomainError."""


def forward(
    endpoint: Endpoint,
    bus: Bus,
    mount: Mount,
    settings: Settings,
    look_up_fields: FieldLookup | None = None,
) -> Handler:
    """Make the handler that sends an endpoint's requests over the bus."""
    contract = endpoint.contract
    name, service, kind = contract.__name__, contract.service, contract.kind
    is_command = issubclass(contract, Command)
    timeout = settings.request_timeout
    authenticate, dialect = mount.authenticator_for(required_permission(contract)), mount.dialect
    read, overlay = body_reader(endpoint, dialect, settings), overlay_of(contract)

    async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
        # One random id serves as the envelope's id and as the default request id.
        key = new_id()
        headers = request.headers
        request_id = key.hex
        if "X-Request-Id" in headers:
            request_id = read_request_id(headers, request_id)
        log_context.request_id.set(request_id)
        try:
            # The caller is checked before the body is read: a refused client costs no memory.
            caller = await authenticate(request)
            payload = await read(request)
            # Most payloads go on unparsed. Only the overlay parses them, to write fields into them.
            if parameters:
                payload = overlay.put(payload, parameters)
            if look_up_fields:
                found = await look_up_fields(
                    payload, ServiceClient(bus, caller, dialect.name, request_id, timeout)
                )
                payload = overlay.put(payload, found)
            idempotency_key = headers.get("Idempotency-Key") if is_command else None
            if idempotency_key is not None:
                check_key(idempotency_key)
            envelope = Envelope(
                id=key,
                name=name,
                project=caller.project,
                payload=payload,
                deadline=time.time() + timeout,
                user_id=caller.user_id,
                username=caller.username,
                dialect=dialect.name,
                request_id=request_id,
                idempotency_key=idempotency_key,
            )
            body = (await bus.call(service, kind, envelope)).checked()
        except Exception as error:
            return error_response(error, request, request_id, dialect)
        return Response(body=body, headers={**JSON_HEADERS, "X-Request-Id": request_id})

    return handle


def body_reader(endpoint: Endpoint, dialect: Dialect, settings: Settings) -> Read:
    """Return the function that reads the parameters of an endpoint's requests."""
    max_bytes = min(endpoint.max_bytes, settings.max_body_bytes)
    limit = BodyLimit(max_bytes, TOO_LONG, settings.http.body_timeout)
    return dialect.reader(endpoint.contract, limit)


def error_response(
    error: Exception, request: BaseRequest, request_id: str, dialect: Dialect
) -> Response:
    """Return the answer for any error of a request. Raises ``error`` again if the client has gone."""
    if isinstance(error, DomainError):
        return domain_error_response(error, request_id, dialect)
    if isinstance(error, RequestPayloadError):
        return malformed_response(request, request_id, error, dialect)
    if isinstance(error, TooSlowError):
        return timeout_response(request, request_id, error, dialect)
    transport = request.transport
    if isinstance(error, ConnectionError) and (transport is None or transport.is_closing()):
        raise error  # The client has gone. aiohttp expects the error and closes the connection.
    return internal_error_response(request, request_id, error, dialect)


def domain_error_response(error: DomainError, request_id: str, dialect: Dialect) -> Response:
    """Return the answer for a DomainError."""
    refusal = dialect.refuse(error)
    headers = {**JSON_HEADERS, "X-Request-Id": request_id}
    return Response(
        status=refusal.status, body=refusal.body, headers={**headers, **refusal.headers}
    )


def malformed_response(
    request: BaseRequest, request_id: str, error: BaseException | str, dialect: Dialect
) -> Response:
    """Return a 400 for malformed HTTP and close the connection, on which no further request can be found."""
    text = f"Malformed HTTP request: {error}"
    response = domain_error_response(DomainError(ErrorCode.BAD_REQUEST, text), request_id, dialect)
    response.force_close()
    # Otherwise aiohttp would wait for the rest of the body, and log that it is missing.
    request.content.feed_eof()
    return response


def timeout_response(
    request: BaseRequest, request_id: str, error: TooSlowError, dialect: Dialect
) -> Response:
    """Return a 408 for a client that has stopped sending, and close the connection."""
    timed_out = HttpError(HTTPStatus.REQUEST_TIMEOUT, str(error))
    response = domain_error_response(timed_out, request_id, dialect)
    response.force_close()
    # Otherwise aiohttp would wait for the rest of the body.
    request.content.feed_eof()
    return response


def internal_error_response(
    request: BaseRequest, request_id: str, error: BaseException | None, dialect: Dialect
) -> Response:
    """Log an unexpected error once, and return INTERNAL_ERROR with the request id under which it is logged."""
    _log.error("request_failed", request_id=request_id, path=request.path, exc_info=error)
    message = f"Internal error. The server's log has the details under {request_id}."
    return domain_error_response(
        DomainError(ErrorCode.INTERNAL_ERROR, message), request_id, dialect
    )
