"""Addresses that clients make of a tracking URI with a slash at its end, and those that gitlab-mlops documents."""

import json

import pytest
from aiohttp import ClientSession
from yarl import URL

from shared.messaging.messages import Answer
from tests.unit.gateway.artifacts.fake_storage import FakeStorage, presigning

MOUNT = "/api/v4/projects/1/ml/mlflow"
ALIAS = "/api/v4/projects/1/mlflow"


@pytest.fixture
async def ask(server):
    async with ClientSession() as session:

        async def ask(method, path, **options):
            url = URL(f"http://127.0.0.1:{server.port}{path}", encoded=True)
            async with session.request(method, url, **options) as response:
                return response.status, await response.read()

        yield ask


@pytest.mark.parametrize(
    "path",
    [
        "//api/2.0/mlflow/runs/search",
        "/api/2.0//mlflow/runs///search",
        f"{MOUNT}//api/2.0/mlflow/runs/search",
        f"/{MOUNT}/api/2.0/mlflow/runs/search",
        "//api//v4//projects/1//ml//mlflow//api//2.0//mlflow//runs//search",
        f"{ALIAS}/api/2.0/mlflow/runs/search",
        f"/{ALIAS}//api/2.0/mlflow/runs/search",
    ],
)
async def test_address_leads_to_its_endpoint(ask, bus, path):
    assert (await ask("POST", path, json={"max_results": 1}))[0] == 200
    envelope = bus.envelope
    assert (envelope.name, json.loads(envelope.payload)) == ("SearchRuns", {"max_results": 1})
    assert envelope.dialect == ("gitlab" if "v4" in path else "mlflow")


@pytest.mark.parametrize("prefix", ["//api/2.0", f"{MOUNT}//api/2.0", f"{ALIAS}/api//2.0"])
async def test_slashes_inside_an_artifacts_path_stay(ask, bus, prefix):
    storage = FakeStorage()
    await storage.start()
    presigning(bus, storage)
    path = f"{prefix}/mlflow-artifacts/artifacts/1/0/run/artifacts/d//a"
    assert (await ask("PUT", path, data=b"x"))[0] == 200
    await storage.stop()
    asked = next(each for _, _, each in bus.sent if each.name == "PresignArtifact")
    assert json.loads(asked.payload)["path"] == "1/0/run/artifacts/d//a"


async def test_parameters_behind_doubled_slashes_are_those_of_the_path(ask, bus):
    bus.reply = Answer(b"{}")
    path = f"{ALIAS}//api/2.0/mlflow//logged-models//m-1"
    assert (await ask("DELETE", path, json={"modelId": "other"}))[0] == 200
    assert bus.parameters == {"model_id": "m-1"}


@pytest.mark.parametrize("path", ["/health", "/version", "/", "/help/", "/help/help.js"])
async def test_everything_below_a_projects_address_is_below_the_other_one_too(ask, path):
    assert await ask("GET", ALIAS + path) == await ask("GET", MOUNT + path)
    assert (await ask("GET", ALIAS + path))[0] == 200


async def test_the_other_address_leads_to_the_page_as_well(ask, server):
    async with ClientSession() as session:
        url = f"http://127.0.0.1:{server.port}{ALIAS}"
        async with session.get(url, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (308, "mlflow/")


@pytest.mark.parametrize(
    "path",
    [
        f"{ALIAS}x/health",
        "/api/v4/projects/1/x/mlflow/health",
        "//no//such",
        "/api/v4/projects//ml/mlflow/health",
        "//api/v4/projects//1/ml/mlflow/health",
        f"/{ALIAS}/x",
    ],
)
async def test_what_is_none_of_them_is_404(ask, path):
    status, body = await ask("GET", path)
    assert status == 404
    assert json.loads(body)["error_code"] == "ENDPOINT_NOT_FOUND"
