"""The authenticator of each mount: the callers that it lets in, and the refusals."""

import base64
import json

import pytest

from services.gateway.auth.authorizations import ASK_SECONDS
from shared.contracts.access import Ability
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.token_digests import digest_of
from shared.messaging.messages import Answer
from tests.unit.gateway.fake_bus import FakeBus

TOKEN = "glpat-abcdefghijklmnopqrstuv"
ROOT = "/api/2.0/mlflow"
PROJECT = "/api/v4/projects/team%2Fp/ml/mlflow/api/2.0/mlflow"
READ_EXPERIMENTS = [Ability.READ_PROJECT, Ability.READ_MODEL_EXPERIMENTS]
EVERYTHING = list(Ability)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def authorization(**fields):
    fields = {
        "state": "active",
        "user_id": 42,
        "username": "ann",
        "scopes": ["api"],
        "project": {"id": 7, "path": "team/p"},
        "abilities": EVERYTHING,
        **fields,
    }
    return Answer(json.dumps(fields).encode())


@pytest.fixture(params=["open", "token"])
def mode(request):
    return request.param


@pytest.fixture
def bus():
    bus = FakeBus()
    bus.replies["Authorize"] = authorization()
    return bus


@pytest.fixture
def settings(default_settings, mode):
    return default_settings.model_copy(update={"access_mode": mode})


def asked(bus):
    return [json.loads(each.payload) for _, _, each in bus.sent if each.name == "Authorize"]


def forwarded(bus):
    return [envelope for _, _, envelope in bus.sent if not envelope.name.startswith("Authorize")]


def basic(password):
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize("mode", ["open"], indirect=True)
@pytest.mark.parametrize(
    "path",
    [ROOT, PROJECT.replace("team%2Fp", "1"), PROJECT.replace("team%2Fp", "Root%2FDefault")],
)
async def test_open_mode_lets_anonymous_clients_into_the_root_project_without_asking(
    client, bus, path
):
    response = await client.post(f"{path}/runs/log-metric", json={})
    assert response.status == 200
    assert [(e.name, e.project, e.user_id) for _, _, e in bus.sent] == [("LogMetric", 1, None)]


@pytest.mark.parametrize("mode", ["open"], indirect=True)
async def test_open_mode_lets_anonymous_clients_into_no_other_project(client, bus):
    response = await client.get(f"{PROJECT}/runs/get?run_id=r")
    assert response.status == 401
    assert not bus.sent


async def test_open_mode_lets_anonymous_clients_read_what_workspaces_there_are(client, bus, mode):
    bus.replies["ListWorkspaces"] = Answer(b'{"workspaces": []}')
    workspaces = "/api/3.0/mlflow/workspaces"
    assert (await client.get(workspaces)).status == (200 if mode == "open" else 401)
    assert (await client.post(workspaces, json={"name": "new"})).status == 401
    assert len(bus.sent) == (1 if mode == "open" else 0)


@pytest.mark.parametrize("mode", ["token"], indirect=True)
async def test_token_mode_asks_everybody_for_a_token(client, bus):
    response = await client.get(f"{ROOT}/runs/get?run_id=r")
    assert response.status == 401
    assert (await response.json())["error_code"] == "UNAUTHENTICATED"
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    response = await client.get(f"{PROJECT}/runs/get?run_id=r")
    assert (response.status, (await response.json())["error_code"]) == (401, "UNAUTHENTICATED")
    assert not bus.sent


@pytest.mark.parametrize("path", ["/health", "/version", "/health/live", "/openapi.json"])
async def test_probes_need_no_token(client, path):
    assert (await client.get(path)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"Authorization": f"bearer   {TOKEN} "},
        {"PRIVATE-TOKEN": TOKEN},
        {"Authorization": basic(TOKEN)},
        {"PRIVATE-TOKEN": TOKEN, "Authorization": "Bearer other"},
    ],
)
async def test_a_token_is_found_where_clients_put_it(client, bus, headers):
    response = await client.get(f"{PROJECT}/runs/get?run_id=r", headers=headers)
    assert response.status == 200
    assert asked(bus) == [{"token_digest": digest_of(TOKEN), "project": "team/p"}]
    (envelope,) = forwarded(bus)
    assert (envelope.project, envelope.user_id, envelope.username) == (7, 42, "ann")
    assert (envelope.dialect, envelope.author) == ("gitlab", "42")


async def test_a_token_may_be_in_the_query_string(client, bus):
    response = await client.get(f"{PROJECT}/runs/get?run_id=r&private_token={TOKEN}")
    assert response.status == 200
    assert asked(bus)[0]["token_digest"] == digest_of(TOKEN)
    assert TOKEN.encode() not in forwarded(bus)[0].payload


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Digest x", "Basic !", "Basic /w==", basic(""), "Negotiate abc"],
)
async def test_credentials_of_another_kind_are_not_taken_for_none(client, bus, authorization):
    bus.replies["Authorize"] = Answer(b'{"state":"unknown"}')
    headers = {"Authorization": authorization}
    for path in (ROOT, PROJECT):
        response = await client.get(f"{path}/runs/get?run_id=r", headers=headers)
        assert response.status == 401
    assert not forwarded(bus)


async def test_the_token_itself_does_not_cross_the_bus(client, bus):
    await client.get(f"{ROOT}/runs/get?run_id=r", headers=BEARER)
    assert all(TOKEN not in repr(envelope) for _, _, envelope in bus.sent)


async def test_users_are_told_by_name_at_the_root(client, bus):
    bus.replies["Authorize"] = authorization(project={"id": 1, "path": "root/default"})
    await client.get(f"{ROOT}/runs/get?run_id=r", headers=BEARER)
    (envelope,) = forwarded(bus)
    assert (envelope.project, envelope.user_id, envelope.username) == (1, 42, "ann")
    assert (envelope.dialect, envelope.author) == ("mlflow", "ann")


@pytest.mark.parametrize("mode", ["open"], indirect=True)
async def test_in_open_mode_a_good_token_is_worth_as_much_as_none(client, bus):
    bus.replies["Authorize"] = authorization(project=None, abilities=[])
    response = await client.post(f"{ROOT}/runs/log-metric", json={}, headers=BEARER)
    assert response.status == 200
    assert forwarded(bus)[0].project == 1
    bus.replies["Authorize"] = authorization(project=None, abilities=[], scopes=["read_api"])
    other = {"Authorization": f"Bearer {TOKEN}2"}
    response = await client.post(f"{ROOT}/runs/log-metric", json={}, headers=other)
    assert response.status == 403


REFUSALS = [
    ({"state": "unknown"}, (401, "UNAUTHENTICATED"), (401, "message")),
    ({"state": "expired"}, (401, "UNAUTHENTICATED"), (401, "error_description")),
    ({"state": "revoked"}, (401, "UNAUTHENTICATED"), (401, "error_description")),
    ({"state": "blocked"}, (403, "PERMISSION_DENIED"), (403, "message")),
    ({"scopes": ["read_user"]}, (403, "PERMISSION_DENIED"), (403, "scope")),
    ({"scopes": ["read_api"]}, (403, "PERMISSION_DENIED"), (403, "scope")),
    ({"project": None, "abilities": []}, (404, "RESOURCE_DOES_NOT_EXIST"), (404, "message")),
    ({"abilities": ["read_project"]}, (403, "PERMISSION_DENIED"), (404, "message")),
    ({"abilities": READ_EXPERIMENTS}, (403, "PERMISSION_DENIED"), (401, "message")),
]


@pytest.mark.parametrize("mode", ["token"], indirect=True)
@pytest.mark.parametrize(("fields", "root", "project"), REFUSALS)
async def test_what_each_mount_says_to_who_may_not_write(client, bus, fields, root, project):
    bus.replies["Authorize"] = authorization(**fields)
    response = await client.post(f"{ROOT}/runs/log-metric", data=b"no json", headers=BEARER)
    assert (response.status, (await response.json())["error_code"]) == root
    response = await client.post(f"{PROJECT}/runs/log-metric", data=b"no json", headers=BEARER)
    body = await response.json()
    assert response.status == project[0]
    assert project[1] in body
    assert body["error_code"] in {"UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"}
    if response.status == 401:
        assert body["message"].startswith("401 Unauthorized")
    assert not forwarded(bus)


@pytest.mark.parametrize("path", ["runs/search", "experiments/search"])
async def test_searches_read_although_they_are_sent_with_post(client, bus, path):
    bus.replies["Authorize"] = authorization(abilities=READ_EXPERIMENTS, scopes=["read_api"])
    response = await client.post(f"{PROJECT}/{path}", json={}, headers=BEARER)
    assert response.status == 200


async def test_the_registry_and_artifacts_take_both_features(client, bus):
    bus.replies["Authorize"] = authorization(abilities=READ_EXPERIMENTS)
    response = await client.get(f"{PROJECT}/registered-models/get?name=m", headers=BEARER)
    assert response.status == 404
    path = PROJECT.replace("mlflow/api/2.0/mlflow", "mlflow/api/2.0/mlflow-artifacts")
    for method in ("GET", "PUT"):
        response = await client.request(
            method, f"{path}/artifacts/7/0/r/artifacts/a", headers=BEARER
        )
        assert response.status == 404
    assert not forwarded(bus)


@pytest.mark.parametrize(
    "code", [ErrorCode.REQUEST_LIMIT_EXCEEDED, ErrorCode.TEMPORARILY_UNAVAILABLE]
)
async def test_nobody_is_let_in_while_nobody_can_be_asked_and_may_come_again(client, bus, code):
    bus.replies["Authorize"] = DomainError(code, "Nothing was done")
    for path in (ROOT, PROJECT):
        response = await client.post(f"{path}/runs/create", json={}, headers=BEARER)
        assert (response.status, response.headers["Retry-After"]) == (429, "1")
        unsent = code is ErrorCode.REQUEST_LIMIT_EXCEEDED
        words = "Nothing was done" if unsent else "The request was not processed"
        assert words in (await response.json())["message"]
    assert not forwarded(bus)


async def test_the_question_has_a_deadline_of_its_own(client, bus):
    await client.get(f"{ROOT}/runs/get?run_id=r", headers=BEARER)
    question, request = (envelope for _, _, envelope in bus.sent)
    assert question.deadline < request.deadline
    assert ASK_SECONDS < 30


@pytest.mark.parametrize("workspace", ["", " ", "default"])
async def test_no_workspace_and_the_default_one_are_the_root_project(client, bus, workspace):
    headers = {**BEARER, "X-MLFLOW-WORKSPACE": workspace}
    bus.replies["Authorize"] = authorization(project={"id": 1, "path": "root/default"})
    assert (await client.get(f"{ROOT}/runs/get?run_id=r", headers=headers)).status == 200
    assert [each["project"] for each in asked(bus)] == [""]
    assert forwarded(bus)[0].project == 1


async def test_a_workspace_is_the_project_that_the_access_service_finds(client, bus):
    bus.replies["AuthorizeWorkspace"] = authorization()
    headers = {**BEARER, "X-MLFLOW-WORKSPACE": "team--p"}
    response = await client.post(f"{ROOT}/runs/log-metric", json={}, headers=headers)
    assert response.status == 200
    question, request = (envelope for _, _, envelope in bus.sent)
    assert json.loads(question.payload) == {
        "token_digest": digest_of(TOKEN),
        "workspace": "team--p",
    }
    assert (request.project, request.user_id, request.dialect) == (7, 42, "mlflow")
    # One is remembered apart from the other.
    await client.post(f"{ROOT}/runs/log-metric", json={}, headers=BEARER)
    assert [envelope.name for _, _, envelope in bus.sent][2:] == ["Authorize", "LogMetric"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_read_may_name_its_workspace_in_the_query_as_the_image_of_a_page_does(
    client, bus, method
):
    bus.replies["AuthorizeWorkspace"] = authorization()
    path = "/get-artifact?run_uuid=r&path=a.png&workspace=team--p"
    await client.request(method, path, headers=BEARER)
    question = bus.sent[0][2]
    assert (question.name, json.loads(question.payload)["workspace"]) == (
        "AuthorizeWorkspace",
        "team--p",
    )
    # The header counts before the query, and a change has to have the header.
    bus.sent.clear()
    await client.get(path, headers={**BEARER, "X-MLFLOW-WORKSPACE": "default"})
    await client.post(f"{ROOT}/runs/log-metric?workspace=team--p", json={}, headers=BEARER)
    assert {envelope.name for _, _, envelope in bus.sent}.isdisjoint({"AuthorizeWorkspace"})


WORKSPACE_REFUSALS = [
    ({"state": "unknown"}, 401, "UNAUTHENTICATED"),
    ({"scopes": ["read_api"]}, 403, "PERMISSION_DENIED"),
    ({"project": None, "abilities": []}, 404, "RESOURCE_DOES_NOT_EXIST"),
    ({"abilities": READ_EXPERIMENTS}, 403, "PERMISSION_DENIED"),
]


@pytest.mark.parametrize(("fields", "status", "code"), WORKSPACE_REFUSALS)
async def test_a_workspace_is_checked_as_a_project_is(client, bus, fields, status, code):
    bus.replies["AuthorizeWorkspace"] = authorization(**fields)
    headers = {**BEARER, "X-MLFLOW-WORKSPACE": "team--p"}
    response = await client.post(f"{ROOT}/runs/log-metric", json={}, headers=headers)
    body = await response.json()
    assert (response.status, body["error_code"]) == (status, code)
    if status == 404:
        assert body["message"] == "Workspace 'team--p' not found"
    assert not forwarded(bus)


async def test_a_workspace_takes_a_token_in_open_mode_too(client, bus):
    headers = {"X-MLFLOW-WORKSPACE": "team--p"}
    assert (await client.get(f"{ROOT}/runs/get?run_id=r", headers=headers)).status == 401
    assert not bus.sent


@pytest.mark.parametrize("workspace", ["t", "Team", "a/b", "a_b", "-ab", "ab-", "api", "x" * 64])
async def test_what_is_no_workspace_s_name_is_refused_before_anybody_is_asked(
    client, bus, workspace
):
    headers = {**BEARER, "X-MLFLOW-WORKSPACE": workspace}
    response = await client.get(f"{ROOT}/runs/get?run_id=r", headers=headers)
    body = await response.json()
    assert (response.status, body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert body["message"].startswith(f"Workspace name '{workspace}' ")
    assert not bus.sent


@pytest.mark.parametrize("workspace", ["default", "team--p", "team"])
async def test_a_project_s_mount_is_not_a_workspace_s(client, bus, workspace):
    headers = {**BEARER, "X-MLFLOW-WORKSPACE": workspace}
    response = await client.get(f"{PROJECT}/runs/get?run_id=r", headers=headers)
    assert response.status == 400
    assert not bus.sent


async def test_who_changes_something_finds_it_changed_before_any_event(client, bus):
    await client.get(f"{ROOT}/runs/get?run_id=r", headers=BEARER)
    await client.get("/api/v4/projects/1", headers=BEARER)
    before = len(asked(bus))
    await client.get(f"{ROOT}/runs/get?run_id=r", headers=BEARER)
    assert len(asked(bus)) == before
    await client.delete("/api/v4/projects/7", headers=BEARER)
    await client.get(f"{ROOT}/runs/get?run_id=r", headers=BEARER)
    assert len(asked(bus)) == before + 1


PACKAGES = "/api/v4/projects/7/packages/ml_models"
REGISTRY = [Ability.READ_PROJECT, Ability.READ_MODEL_REGISTRY]
PACKAGE_ROUTES = [
    ("GET candidate:1", [*READ_EXPERIMENTS, Ability.CREATE_PACKAGE], 404),
    ("GET candidate:1", REGISTRY, 404),
    ("GET candidate:1", [*REGISTRY, Ability.READ_MODEL_EXPERIMENTS], None),
    ("GET 1", REGISTRY, None),
    ("PUT 1", REGISTRY, 403),
    ("PUT 1", [*READ_EXPERIMENTS, Ability.CREATE_PACKAGE], 404),
    ("PUT 1", [*REGISTRY, Ability.CREATE_PACKAGE], 404),
    ("PUT 1", [*REGISTRY, Ability.CREATE_PACKAGE, Ability.WRITE_MODEL_EXPERIMENTS], 404),
    ("PUT 1", [*REGISTRY, Ability.CREATE_PACKAGE, Ability.WRITE_MODEL_REGISTRY], None),
    ("PUT candidate:1", [*REGISTRY, Ability.WRITE_MODEL_EXPERIMENTS], 403),
    ("PUT candidate:1", [*REGISTRY, Ability.CREATE_PACKAGE], 404),
    ("PUT candidate:1", [*REGISTRY, Ability.CREATE_PACKAGE, Ability.WRITE_MODEL_REGISTRY], 404),
    (
        "PUT candidate:1",
        [*REGISTRY, Ability.CREATE_PACKAGE, Ability.WRITE_MODEL_EXPERIMENTS],
        None,
    ),
]


@pytest.mark.parametrize(("asked", "abilities", "status"), PACKAGE_ROUTES)
async def test_files_of_packages_take_gitlabs_abilities(client, bus, asked, abilities, status):
    method, owner = asked.split()
    bus.replies["Authorize"] = authorization(abilities=abilities)
    bus.reply = DomainError(ErrorCode.RESOURCE_CONFLICT, "reached the service")
    response = await client.request(
        method,
        f"{PACKAGES}/{owner}/files/a",
        headers=BEARER,
        data=b"x" if method == "PUT" else None,
    )
    assert response.status == (status or 409)
    assert bool(forwarded(bus)) == (status is None)
    message = (await response.json())["message"]
    assert message.startswith({404: "404 Not Found", 403: "403 Forbidden"}.get(status, "reached"))
