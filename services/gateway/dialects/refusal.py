"""Maps error codes to HTTP statuses, and errors to answers.

Source of the statuses: ``ERROR_CODE_TO_HTTP_STATUS`` in ``mlflow/exceptions.py``. GitLab's dialect uses the same
statuses, except for refused access, whose statuses are in ``gitlab.py``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from shared.contracts.errors import DomainError, ErrorCode

STATUSES: Mapping[ErrorCode, int] = {
    ErrorCode.INVALID_PARAMETER_VALUE: 400,
    ErrorCode.RESOURCE_ALREADY_EXISTS: 400,
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.PERMISSION_DENIED: 403,
    ErrorCode.RESOURCE_DOES_NOT_EXIST: 404,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.ENDPOINT_NOT_FOUND: 404,
    ErrorCode.RESOURCE_CONFLICT: 409,
    ErrorCode.REQUEST_LIMIT_EXCEEDED: 429,
    ErrorCode.INTERNAL_ERROR: 500,
    ErrorCode.INVALID_STATE: 500,
    ErrorCode.NOT_IMPLEMENTED: 501,
    ErrorCode.TEMPORARILY_UNAVAILABLE: 503,
    ErrorCode.DEADLINE_EXCEEDED: 504,
}

RETRY_AFTER_SECONDS = {HTTPStatus.TOO_MANY_REQUESTS: "1", HTTPStatus.SERVICE_UNAVAILABLE: "1"}
"""The least ``Retry-After``. The application raises it in a long outage (``services/gateway/http/retry_after.py``)."""


class HttpError(DomainError):
    """An error whose status HTTP prescribes, and for which MLflow has no error code."""

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        code: ErrorCode = ErrorCode.INVALID_PARAMETER_VALUE,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as an HTTP answer. ``headers`` are added to the headers of every answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def wrong_method(method: str, allowed: str) -> HttpError:
    """Return the error for a path that exists with other methods only."""
    message = f"The method {method} is not allowed here; allowed: {allowed}."
    return HttpError(
        HTTPStatus.METHOD_NOT_ALLOWED, message, {"Allow": allowed}, ErrorCode.ENDPOINT_NOT_FOUND
    )


def status_of(error: DomainError) -> int:
    """Return the HTTP status of an error."""
    return error.status if isinstance(error, HttpError) else STATUSES[error.code]


def refusal(error: DomainError, fields: Mapping[str, object], status: int | None = None) -> Refusal:
    """Return the error as a JSON object of ``fields``. ``status`` replaces the error's own status."""
    status = status or status_of(error)
    wait = RETRY_AFTER_SECONDS.get(HTTPStatus(status))
    headers = {"Retry-After": wait} if wait else {}
    if isinstance(error, HttpError):
        headers |= error.headers
    return Refusal(status, json.dumps(fields).encode(), headers)
