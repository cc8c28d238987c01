"""The one exception that crosses layers, and MLflow's error codes.

HTTP statuses do not appear here: only the gateway maps a code to a status.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Error codes of MLflow's REST API (``databricks.proto``); an answer has them in ``error_code``."""

    INVALID_PARAMETER_VALUE = "INVALID_PARAMETER_VALUE"
    RESOURCE_ALREADY_EXISTS = "RESOURCE_ALREADY_EXISTS"
    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    RESOURCE_DOES_NOT_EXIST = "RESOURCE_DOES_NOT_EXIST"
    NOT_FOUND = "NOT_FOUND"
    ENDPOINT_NOT_FOUND = "ENDPOINT_NOT_FOUND"
    RESOURCE_CONFLICT = "RESOURCE_CONFLICT"
    REQUEST_LIMIT_EXCEEDED = "REQUEST_LIMIT_EXCEEDED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    INVALID_STATE = "INVALID_STATE"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    TEMPORARILY_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"


class DomainError(Exception):
    """An error for the client to read: an MLflow error code and a message.

    ``parameter`` is the path of the parameter that the error is about, such as ``metrics[0].key``, or empty.
    With ``missing`` the parameter has no value, otherwise its value is invalid.
    """

    def __init__(
        self, code: ErrorCode, message: str, parameter: str = "", *, missing: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.parameter = parameter
        self.missing = missing

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def invalid(message: str, parameter: str = "", *, missing: bool = False) -> DomainError:
    """Return an INVALID_PARAMETER_VALUE error. The arguments are those of DomainError."""
    return DomainError(ErrorCode.INVALID_PARAMETER_VALUE, message, parameter, missing=missing)


def missing_resource(message: str) -> DomainError:
    """Return a RESOURCE_DOES_NOT_EXIST error."""
    return DomainError(ErrorCode.RESOURCE_DOES_NOT_EXIST, message)


def already_exists(message: str) -> DomainError:
    """Return a RESOURCE_ALREADY_EXISTS error."""
    return DomainError(ErrorCode.RESOURCE_ALREADY_EXISTS, message)
