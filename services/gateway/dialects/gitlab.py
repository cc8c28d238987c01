"""GitLab's dialect: its statuses and bodies, with MLflow's code and an honest message beside them.

GitLab answers its clients in three envelopes (``lib/api/helpers.rb``, ``lib/api/api_guard.rb``,
``lib/api/ml/mlflow/api_helpers.rb``): ``message`` for who may do what, ``error`` for parameters and
routes, ``error_code`` for what MLflow has a code for. Its client gitlab-mlops reads the text that
MLflow's client makes of them: ``INTERNAL_ERROR: 401 Unauthorized``, so a 401 has no ``error_code``
and its message begins like that. Everywhere else MLflow's two fields join GitLab's, for the users
of MLflow's clients.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from services.gateway.access.refusals import AccessRefused, Reason
from services.gateway.dialects.gitlab_parameters import reader
from services.gateway.dialects.refusal import Refusal, refusal, status_of
from shared.contracts.validation import wrong_parameter
from shared.errors import DomainError, ErrorCode

__all__ = ["reader", "refuse"]

Fields = Mapping[str, object]
Say = Callable[[AccessRefused], Fields]

UNAUTHORIZED = "401 Unauthorized"
PROJECT_NOT_FOUND = "404 Project Not Found"
NOT_FOUND = "404 Not Found"
NOT_ALLOWED = "405 Not Allowed"


def refuse(error: DomainError) -> Refusal:
    """Return the error as GitLab would send it."""
    if isinstance(error, AccessRefused):
        refused_status, say = _OF_ACCESS[error.reason]
        return refusal(error, say(error), refused_status)
    status = status_of(error)
    if status == HTTPStatus.UNAUTHORIZED:
        return refusal(error, {"message": UNAUTHORIZED})
    return refusal(error, {**_beside(error, status), **_of_mlflow(error)})


def _of_mlflow(error: DomainError) -> Fields:
    return {"error_code": error.code, "message": error.message}


def _beside(error: DomainError, status: int) -> Fields:
    """Return what GitLab has beside MLflow's two fields, or instead of them."""
    if error.code == ErrorCode.ENDPOINT_NOT_FOUND:
        return {"error": NOT_ALLOWED if status == HTTPStatus.METHOD_NOT_ALLOWED else NOT_FOUND}
    wrong = wrong_parameter(error.message)
    if error.code != ErrorCode.INVALID_PARAMETER_VALUE or wrong is None:
        return {}
    return {"error": f"{_nested(wrong.path)} is {'missing' if wrong.missing else 'invalid'}"}


def _nested(path: str) -> str:
    """Write ``metrics[0].key`` as Grape does: ``metrics[0][key]``."""
    first, *inner = path.split(".")
    return first + "".join(f"[{name}]" for name in inner)


def _only(message: str) -> Say:
    return lambda _: {"message": message}


def _invalid_token(description: str) -> Say:
    fields = {
        "error": "invalid_token",
        "error_description": description,
        "message": f"{UNAUTHORIZED}. {description}",
    }
    return lambda _: fields


def _forbidden(error: AccessRefused) -> Fields:
    return {"error_code": error.code, "message": f"403 Forbidden - {error.message}"}


def _scope(error: AccessRefused) -> Fields:
    return {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": error.scope,
        **_of_mlflow(error),
    }


_OF_ACCESS: Mapping[Reason, tuple[HTTPStatus, Say]] = {
    Reason.NO_TOKEN: (HTTPStatus.UNAUTHORIZED, _only(UNAUTHORIZED)),
    Reason.UNKNOWN: (HTTPStatus.UNAUTHORIZED, _only(UNAUTHORIZED)),
    Reason.EXPIRED: (
        HTTPStatus.UNAUTHORIZED,
        _invalid_token("Token is expired. You can either do re-authorization or token refresh."),
    ),
    Reason.REVOKED: (
        HTTPStatus.UNAUTHORIZED,
        _invalid_token("Token was revoked. You have to re-authorize from the user."),
    ),
    Reason.BLOCKED: (HTTPStatus.FORBIDDEN, _forbidden),
    Reason.SCOPE: (HTTPStatus.FORBIDDEN, _scope),
    Reason.HIDDEN_PROJECT: (HTTPStatus.NOT_FOUND, _only(PROJECT_NOT_FOUND)),
    Reason.NO_READ: (HTTPStatus.NOT_FOUND, _only(NOT_FOUND)),
    Reason.NO_PACKAGE: (HTTPStatus.FORBIDDEN, _forbidden),
    # GitLab answers 401, not 403, to who may read but not write (``check_api_write!``).
    Reason.NO_WRITE: (HTTPStatus.UNAUTHORIZED, _only(UNAUTHORIZED)),
}
