"""GitLab's bodies word for word (``lib/api/helpers.rb``, ``api_guard.rb``), with MLflow's fields beside them."""

import json

import pytest

from services.gateway.auth.grants import Grant, no_token
from services.gateway.auth.permissions import required_permission
from services.gateway.auth.refusals import AccessRefused, Reason
from services.gateway.dialects.gitlab import GITLAB, GITLAB_REST
from services.gateway.dialects.refusal import HttpError, wrong_method
from shared.contracts.access import Ability, Authorization, Project, TokenState
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.metrics import LogMetric
from shared.contracts.runs import GetRun, LogBatch

READ = [Ability.READ_MODEL_EXPERIMENTS, Ability.READ_MODEL_REGISTRY]


def refused_by(**fields):
    """Return the refusal of a write; the fields say what the caller lacks."""
    good = {"scopes": ["api"], "abilities": list(Ability), "project": Project(id=7, path="team/p")}
    grant = Grant.of(Authorization(**{"state": TokenState.ACTIVE, "user_id": 42, **good, **fields}))
    with pytest.raises(AccessRefused) as refused:
        grant.check(required_permission(LogMetric))
    return refused.value


def said(error):
    refusal = GITLAB.refuse(error)
    return refusal.status, json.loads(refusal.body)


def access(reason, code=ErrorCode.UNAUTHENTICATED, message="why", scope=""):
    return said(AccessRefused(reason, code, message, scope))


REFUSALS = [
    (no_token(), 401, "UNAUTHENTICATED", "Set MLFLOW_TRACKING_TOKEN"),
    (refused_by(state=TokenState.UNKNOWN), 401, "UNAUTHENTICATED", "The token is invalid."),
    (refused_by(state=TokenState.EXPIRED), 401, "UNAUTHENTICATED", "The token is expired."),
    (refused_by(state=TokenState.REVOKED), 401, "UNAUTHENTICATED", "The token was revoked."),
    (refused_by(state=TokenState.BLOCKED), 403, "PERMISSION_DENIED", "has been blocked"),
    (refused_by(scopes=["read_api"]), 403, "PERMISSION_DENIED", "one of these is required: api"),
    (
        refused_by(project=None),
        404,
        "NOT_FOUND",
        "The project does not exist, or you have no access",
    ),
    (refused_by(abilities=[]), 404, "NOT_FOUND", "only members can use it"),
    (
        refused_by(abilities=READ),
        401,
        "PERMISSION_DENIED",
        "the Developer role or higher is required",
    ),
]


@pytest.mark.parametrize(("error", "status", "code", "reason"), REFUSALS)
def test_who_is_refused_reads_gitlabs_words_and_the_reason_under_mlflows_code(
    error, status, code, reason
):
    given, body = said(error)
    assert (given, body["error_code"]) == (status, code)
    assert reason in body["message"]
    if "error" not in body or status == 401:
        assert body["message"].startswith(f"{status} ")


@pytest.mark.parametrize(("error", "status", "code", "reason"), REFUSALS)
def test_gitlabs_client_finds_unauthorized_in_what_mlflows_makes_of_a_401(
    error, status, code, reason
):
    _, body = said(error)
    read = f"{body['error_code']}: {body['message']}"
    assert ("INTERNAL_ERROR: 401 Unauthorized" in read) == (status == 401)
    rest = json.loads(GITLAB_REST.refuse(error).body)
    assert "INTERNAL_ERROR" not in rest["message"]
    assert {**body, "message": rest["message"]} == rest


@pytest.mark.parametrize(
    ("reason", "description"),
    [
        (Reason.EXPIRED, "Token is expired. You can either do re-authorization or token refresh."),
        (Reason.REVOKED, "Token was revoked. You have to re-authorize from the user."),
    ],
)
def test_token_that_was_good_once_says_what_became_of_it(reason, description):
    status, body = access(reason)
    assert status == 401
    assert body.pop("message").startswith("401 Unauthorized - why")
    assert body == {
        "error": "invalid_token",
        "error_description": description,
        "error_code": "UNAUTHENTICATED",
    }


def test_lacking_scope_names_those_that_would_do():
    status, body = access(Reason.SCOPE, ErrorCode.PERMISSION_DENIED, "why", "api read_api")
    assert (status, body["error"], body["scope"]) == (403, "insufficient_scope", "api read_api")
    assert body["error_code"] == "PERMISSION_DENIED"


def test_blocked_user_is_told_so():
    status, body = access(Reason.BLOCKED, ErrorCode.PERMISSION_DENIED, "Your account is blocked")
    assert (status, body["message"]) == (403, "403 Forbidden - Your account is blocked")


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (Reason.HIDDEN_PROJECT, "404 Project Not Found"),
        (Reason.NO_READ, "404 Not Found"),
    ],
)
def test_what_is_hidden_does_not_exist(reason, message):
    status, body = access(reason, ErrorCode.RESOURCE_DOES_NOT_EXIST)
    assert (status, body) == (404, {"error_code": "NOT_FOUND", "message": f"{message} - why"})


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason):
    assert 400 <= access(reason)[0] < 500


def parsing(contract, body):
    with pytest.raises(DomainError) as refused:
        contract.parse(body)
    return said(refused.value)


@pytest.mark.parametrize(
    ("contract", "body", "error"),
    [
        (GetRun, b"{}", "run_id is missing"),
        (LogMetric, b'{"run_id":"a","key":"k","value":"x","timestamp":1}', "value is invalid"),
        (LogBatch, b'{"run_id":"a","metrics":[{"value":1}]}', "metrics[0][key] is missing"),
        (LogBatch, b'{"run_id":"a","params":"x"}', "params is invalid"),
        (LogBatch, b"""{"run_id":"a","params":"for parameter 'tags' "}""", "params is invalid"),
    ],
)
def test_wrong_parameter_is_named_in_both_envelopes(contract, body, error):
    status, said_body = parsing(contract, body)
    assert (status, said_body["error"]) == (400, error)
    assert said_body["error_code"] == "INVALID_PARAMETER_VALUE"
    assert said_body["message"].startswith(("Missing value for", "Invalid value"))


def test_refusal_that_is_about_no_parameter_has_mlflows_fields_alone():
    error = DomainError(ErrorCode.INVALID_PARAMETER_VALUE, "Version has already been taken")
    assert said(error) == (400, {"error_code": error.code, "message": error.message})


@pytest.mark.parametrize("code", ErrorCode)
def test_mlflow_clients_see_code_and_message(code):
    _, body = said(DomainError(code, "why"))
    assert (body["error_code"], body["message"]) == (code, "why")


def test_unknown_route_and_method_are_grapes():
    error = DomainError(ErrorCode.ENDPOINT_NOT_FOUND, "There is no endpoint x.")
    assert said(error)[1]["error"] == "404 Not Found"
    refusal = GITLAB.refuse(wrong_method("PUT", "GET, HEAD"))
    assert (refusal.status, refusal.headers["Allow"]) == (405, "GET, HEAD")
    assert json.loads(refusal.body)["error"] == "405 Not Allowed"


def test_status_of_http_keeps_its_headers():
    refusal = GITLAB.refuse(HttpError(416, "no", {"Content-Range": "bytes */3"}))
    assert (refusal.status, refusal.headers) == (416, {"Content-Range": "bytes */3"})
