"""GitLab's dialect: GitLab's statuses and bodies, together with MLflow's error code and the actual reason.

GitLab's errors have three forms (``lib/api/helpers.rb``, ``lib/api/api_guard.rb``,
``lib/api/ml/mlflow/api_helpers.rb``): ``message`` for access, ``error`` for parameters and routes, and
``error_code`` where MLflow has a code. Here every error also has MLflow's two fields, ``error_code`` and
``message``. The reason follows after a message of GitLab's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import ClassVar

from services.gateway.auth.refusals import AccessRefused, Reason
from services.gateway.dialects.dialect import Read
from services.gateway.dialects.gitlab_parameters import reader
from services.gateway.dialects.refusal import Refusal, refusal, status_of
from services.gateway.http.requests import BodyLimit
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message

Fields = Mapping[str, object]

UNAUTHORIZED = "401 Unauthorized"
FORBIDDEN = "403 Forbidden"
NOT_FOUND = "404 Not Found"
NOT_ALLOWED = "405 Not Allowed"

_FOR_GITLABS_CLIENT = " (GitLab's client looks for these words: INTERNAL_ERROR: 401 Unauthorized.)"
"""gitlab-mlops 0.3.0 searches MLflow's exception for these words, to distinguish a bad token from other errors."""


class GitLab:
    """GitLab's dialect."""

    name: ClassVar[str] = "gitlab"

    def __init__(self, note: str = "") -> None:
        """``note`` is the end of the message of each 401."""
        self._note = note

    def refuse(self, error: DomainError) -> Refusal:
        """Return the error as GitLab would send it."""
        if isinstance(error, AccessRefused):
            return self._refuse_access(error)
        return refusal(error, {**_error_field(error, status_of(error)), **_mlflow_fields(error)})

    def reader(self, contract: type[Message], limit: BodyLimit) -> Read:
        """Return the function that merges the parameters of query string, form and body."""
        return reader(contract, limit)

    def _refuse_access(self, error: AccessRefused) -> Refusal:
        answer = _ACCESS_ANSWERS[error.reason]
        message = f"{answer.title} - {error.message}" if answer.title else error.message
        if answer.status == HTTPStatus.UNAUTHORIZED:
            message += self._note
        fields = {name: value or error.scope for name, value in answer.fields.items()}
        code = answer.code or error.code
        return refusal(error, {**fields, "error_code": code, "message": message}, answer.status)


GITLAB = GitLab(_FOR_GITLABS_CLIENT)
"""The dialect of GitLab's MLflow API."""

GITLAB_REST = GitLab()
"""The dialect of GitLab's REST API about users, groups, projects and tokens, which no MLflow client calls."""


def _mlflow_fields(error: DomainError) -> Fields:
    return {"error_code": error.code, "message": error.message}


def _error_field(error: DomainError, status: int) -> Fields:
    """Return GitLab's field ``error`` if GitLab sends it for such an error."""
    if error.code == ErrorCode.ENDPOINT_NOT_FOUND:
        return {"error": NOT_ALLOWED if status == HTTPStatus.METHOD_NOT_ALLOWED else NOT_FOUND}
    if not error.parameter:
        return {}
    return {"error": f"{_nested(error.parameter)} is {'missing' if error.missing else 'invalid'}"}


def _nested(path: str) -> str:
    """Return ``metrics[0].key`` in Grape's form, ``metrics[0][key]``."""
    first, *inner = path.split(".")
    return first + "".join(f"[{name}]" for name in inner)


@dataclass(frozen=True, slots=True)
class _AccessAnswer:
    """GitLab's answer for one reason. ``title`` begins the message; ``code`` replaces the error's own code."""

    status: HTTPStatus
    title: str
    code: ErrorCode | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    """Further fields. An empty value stands for the scopes that are enough."""


def _invalid_token(description: str) -> _AccessAnswer:
    fields = {"error": "invalid_token", "error_description": description}
    return _AccessAnswer(HTTPStatus.UNAUTHORIZED, UNAUTHORIZED, fields=fields)


_ACCESS_ANSWERS: Mapping[Reason, _AccessAnswer] = {
    Reason.NO_TOKEN: _AccessAnswer(HTTPStatus.UNAUTHORIZED, UNAUTHORIZED),
    Reason.FOREIGN_PAGE: _AccessAnswer(HTTPStatus.FORBIDDEN, FORBIDDEN),
    Reason.UNKNOWN: _AccessAnswer(HTTPStatus.UNAUTHORIZED, UNAUTHORIZED),
    Reason.EXPIRED: _invalid_token(
        "Token is expired. You can either do re-authorization or token refresh."
    ),
    Reason.REVOKED: _invalid_token("Token was revoked. You have to re-authorize from the user."),
    Reason.BLOCKED: _AccessAnswer(HTTPStatus.FORBIDDEN, FORBIDDEN),
    Reason.SCOPE: _AccessAnswer(
        HTTPStatus.FORBIDDEN,
        "",
        fields={
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": "",
        },
    ),
    # MLflow clients would take RESOURCE_DOES_NOT_EXIST for a missing experiment or model.
    Reason.HIDDEN_PROJECT: _AccessAnswer(
        HTTPStatus.NOT_FOUND, "404 Project Not Found", ErrorCode.NOT_FOUND
    ),
    Reason.NO_READ: _AccessAnswer(HTTPStatus.NOT_FOUND, NOT_FOUND, ErrorCode.NOT_FOUND),
    Reason.NO_PACKAGE: _AccessAnswer(HTTPStatus.FORBIDDEN, FORBIDDEN),
    # GitLab answers 401, not 403, if the caller may read but not write (``check_api_write!``).
    Reason.NO_WRITE: _AccessAnswer(HTTPStatus.UNAUTHORIZED, UNAUTHORIZED),
}
