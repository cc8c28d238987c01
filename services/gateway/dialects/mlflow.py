"""MLflow's error envelope; the only place that knows HTTP statuses of errors.

Source of the numbers: ``ERROR_CODE_TO_HTTP_STATUS`` in ``mlflow/exceptions.py``.
"""

import json
from dataclasses import dataclass

from shared.errors import DomainError, ErrorCode

STATUSES: dict[ErrorCode, int] = {
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

WRONG_METHOD = 405
RETRY_AFTER_SECONDS = {429: "1", 503: "1"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as HTTP: ``headers`` come on top of those that every answer has."""

    status: int
    body: bytes
    headers: dict[str, str]


def refuse(error: DomainError) -> Refusal:
    """Return the error as MLflow's server would send it."""
    return _refusal(STATUSES[error.code], error.code, error.message)


def refuse_method(method: str, allowed: str) -> Refusal:
    """Return the answer for a path that exists, but not with this method."""
    message = f"The method {method} is not allowed here; allowed: {allowed}."
    refusal = _refusal(WRONG_METHOD, ErrorCode.ENDPOINT_NOT_FOUND, message)
    refusal.headers["Allow"] = allowed
    return refusal


def refuse_as(status: int, message: str, headers: dict[str, str] | None = None) -> Refusal:
    """Return a refusal whose status HTTP prescribes, and for which MLflow has no code of its own."""
    refusal = _refusal(status, ErrorCode.INVALID_PARAMETER_VALUE, message)
    refusal.headers.update(headers or {})
    return refusal


def _refusal(status: int, code: ErrorCode, message: str) -> Refusal:
    wait = RETRY_AFTER_SECONDS.get(status)
    headers = {"Retry-After": wait} if wait else {}
    body = json.dumps({"error_code": code, "message": message}).encode()
    return Refusal(status, body, headers)
