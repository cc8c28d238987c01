"""Requests that name artifacts by their owner: the gateway asks the owner's service first."""

import json

import pytest

from shared.contracts.errors import missing_resource
from shared.messaging.messages import Answer

UPLOAD_URL = "/api/2.0/mlflow/artifacts/presigned-upload-url"
URI = "mlflow-artifacts:/1/0/run/artifacts"


@pytest.fixture(autouse=True)
def owners(bus):
    bus.replies["GetRun"] = Answer(json.dumps({"run": {"info": {"artifact_uri": URI}}}).encode())
    model = {"model": {"info": {"artifact_uri": "mlflow-artifacts:/1/0/models/m-1/artifacts"}}}
    bus.replies["GetLoggedModel"] = Answer(json.dumps(model).encode())
    bus.replies["GetModelVersionDownloadUri"] = Answer(json.dumps({"artifact_uri": URI}).encode())


@pytest.mark.parametrize(
    ("owner", "root"),
    [({"run_id": "r"}, URI), ({"model_id": "m-1"}, "mlflow-artifacts:/1/0/models/m-1/artifacts")],
)
@pytest.mark.parametrize("said", ["artifact_uri", "artifactUri"])
async def test_upload_url_is_for_a_run_or_a_model(client, bus, owner, root, said):
    response = await client.post(UPLOAD_URL, json=owner | {"path": "a", said: "stolen"})
    assert response.status == 200
    assert bus.envelope.name == "CreatePresignedUploadUrl"
    assert bus.parameters == owner | {"path": "a", "artifact_uri": root}


@pytest.mark.parametrize("owner", [{}, {"run_id": "r", "model_id": "m"}])
async def test_upload_url_is_for_exactly_one_of_them(client, bus, owner):
    response = await client.post(UPLOAD_URL, json=owner | {"path": "a"})
    assert response.status == 400
    assert "Exactly one" in (await response.json())["message"]
    assert not bus.sent


async def test_artifact_of_a_model_version(client, bus, storage):
    storage.objects["/1/0/run/artifacts/model/MLmodel"] = b"flavors:"
    query = {"name": "m", "version": "1", "path": "model/MLmodel"}
    response = await client.get("/model-versions/get-artifact", params=query)
    assert (response.status, await response.read()) == (200, b"flavors:")
    assert json.loads(bus.sent[0][2].payload) == query


async def test_owner_that_is_not_there_is_its_services_refusal(client, bus):
    refusal = missing_resource("Model Version (name=m, version=1) not found")
    bus.replies["GetModelVersionDownloadUri"] = Answer.refusal(refusal)
    response = await client.get("/model-versions/get-artifact?name=m&version=1&path=a")
    assert response.status == 404
    assert (await response.json())["message"] == refusal.message
