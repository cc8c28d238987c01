"""GitLab's second way to artifacts: packages of runs and of model versions."""

import json

import pytest

from shared.contracts.errors import missing_resource
from shared.messaging.messages import Answer

PROJECT = "/api/v4/projects/1/packages/ml_models"
ROOT = "1/7/abc/artifacts"


def run_at(root):
    return Answer(
        json.dumps({"run": {"info": {"artifact_uri": f"mlflow-artifacts:/{root}"}}}).encode()
    )


def version(**fields):
    return Answer(json.dumps({"model_version": {"name": "m", "version": "41", **fields}}).encode())


@pytest.fixture
def bus(bus):
    bus.replies["GetRunByIid"] = run_at(ROOT)
    return bus


async def test_file_of_a_run_is_put_below_its_artifacts(client, bus, storage):
    response = await client.put(
        f"{PROJECT}/candidate:5/files/d/a%20%28%C3%A9%29=@%23,.txt", data=b"x"
    )
    assert (response.status, await response.json()) == (201, {"message": "201 Created"})
    assert storage.objects == {f"/{ROOT}/d/a (é)=@#,.txt": b"x"}
    asked = bus.sent[0][2]
    assert (asked.name, asked.dialect, json.loads(asked.payload)) == (
        "GetRunByIid",
        "gitlab",
        {"iid": 5},
    )


async def test_file_is_got_and_looked_at(client, storage):
    storage.objects[f"/{ROOT}/d/a.txt"] = b"content"
    response = await client.get(f"{PROJECT}/candidate:5/files/d/a.txt")
    assert (response.status, await response.read()) == (200, b"content")
    assert response.headers["Content-Disposition"].startswith("attachment")
    response = await client.head(f"{PROJECT}/candidate:5/files/d/a.txt")
    assert (response.status, response.headers["Content-Length"]) == (200, "7")


async def test_path_of_the_address_is_not_that_of_the_query_string(client, storage):
    storage.objects[f"/{ROOT}/a"] = b"content"
    response = await client.get(
        f"{PROJECT}/candidate:5/files/a", params={"path": "b", "owner": "6"}
    )
    assert await response.read() == b"content"


async def test_files_of_a_version_are_those_of_its_run(client, bus, storage):
    bus.replies["GetVersionById"] = version(run_id="abc", source="mlflow-artifacts:/1/elsewhere")
    bus.replies["GetRun"] = run_at(ROOT)
    uri = {"artifact_uri": f"mlflow-artifacts:/{ROOT}/model"}
    bus.replies["GetModelVersionDownloadUri"] = Answer(json.dumps(uri).encode())
    response = await client.put(f"{PROJECT}/41/files/a.txt", data=b"x")
    assert response.status == 201
    assert storage.objects == {f"/{ROOT}/a.txt": b"x"}
    assert [json.loads(envelope.payload) for _, _, envelope in bus.sent[:3]] == [
        {"id": 41},
        {"name": "m", "version": "41"},
        {"run_id": "abc"},
    ]


async def test_files_of_a_version_without_a_run_lie_at_its_source(client, bus, storage):
    bus.replies["GetVersionById"] = version()
    uri = {"artifact_uri": "mlflow-artifacts:/1/models/m"}
    bus.replies["GetModelVersionDownloadUri"] = Answer(json.dumps(uri).encode())
    storage.objects["/1/models/m/a"] = b"x"
    response = await client.get(f"{PROJECT}/41/files/a")
    assert await response.read() == b"x"
    assert json.loads(bus.sent[1][2].payload) == {"name": "m", "version": "41"}


@pytest.mark.parametrize(
    "owner",
    [
        "candidate:",
        "candidate:x",
        "candidate:-1",
        "1.0.0",
        "%D9%A1",
        "9" * 19,
        "9" * 400,
        "5%0A",
        "a%2Fb",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_owner_that_cannot_be_is_not_found(client, bus, method, owner):
    response = await client.request(method, f"{PROJECT}/{owner}/files/a", data=b"x")
    assert response.status == 404
    assert (await response.json())["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert not bus.sent


async def test_unknown_run_is_not_found_before_the_body_is_read(client, bus, storage):
    bus.replies["GetRunByIid"] = Answer.refusal(missing_resource("No run."))
    response = await client.put(f"{PROJECT}/candidate:6/files/a", data=b"x")
    assert response.status == 404
    assert not storage.requests


async def test_file_over_the_limit_gets_gitlabs_words(client, bus, settings):
    length = {"Content-Length": str(settings.max_artifact_bytes + 1)}
    response = await client.put(f"{PROJECT}/candidate:5/files/a", data=b"x", headers=length)
    assert response.status == 400
    assert (await response.json())["message"] == "400 Bad request - Artifact file is too large"
    assert not bus.sent


async def test_absent_file_is_not_found(client):
    response = await client.get(f"{PROJECT}/candidate:5/files/d/none")
    assert response.status == 404
    assert (await response.json())["error_code"] == "RESOURCE_DOES_NOT_EXIST"


async def test_other_project_is_hidden(client, bus):
    bus.replies["Authorize"] = Answer(b'{"state":"active","user_id":2,"scopes":["api"]}')
    response = await client.get(
        "/api/v4/projects/2/packages/ml_models/candidate:5/files/a",
        headers={"PRIVATE-TOKEN": "glpat-abcdefghijklmnopqrstuv"},
    )
    assert (await response.json())["message"].startswith("404 Project Not Found - ")
    assert [envelope.name for _, _, envelope in bus.sent] == ["Authorize"]
