"""Every way to an artifact asks for the abilities of what the artifact belongs to.

Artifacts of runs and logged models are of experiments and of models alike, so they take the abilities of both. Only
what a model version has published is the registry's alone.
"""

import json

import pytest
from aiohttp import ClientSession

from services.gateway.artifacts import routes as streams
from services.gateway.http.routing import variables
from services.gateway.mlflow.endpoints import ENDPOINTS
from services.gateway.mlflow.routes import MLFLOW_OF_PROJECT
from shared.contracts.access import Ability
from shared.contracts.errors import missing_resource
from shared.messaging.messages import Answer
from tests.unit.gateway.fake_bus import FakeBus

PROJECT = "/api/v4/projects/7"
REGISTRY = {Ability.READ_MODEL_REGISTRY, Ability.WRITE_MODEL_REGISTRY}
EXPERIMENTS = {Ability.READ_MODEL_EXPERIMENTS, Ability.WRITE_MODEL_EXPERIMENTS}
CALLERS = {
    "registry alone": REGISTRY,
    "experiments alone": EXPERIMENTS,
    "neither": set(),
    "both": REGISTRY | EXPERIMENTS,
}
RUN = "mlflow-artifacts:/7/1/run/artifacts"


def filled(path):
    for name in variables(path):
        path = path.replace(f"{{{name}}}", "x").replace(f"{{{name}:path}}", "x")
    return path


def package(owner, path):
    file = streams.PACKAGE_FILE.replace("{owner}", owner).replace("{path:path}", path)
    return PROJECT + file


def ways():
    """Yield each way's method, path, and whether it leads to what a version has published."""
    for mount in ("", PROJECT + MLFLOW_OF_PROJECT):
        for endpoint in ENDPOINTS:
            if endpoint.contract.service == "artifacts":
                for method in endpoint.methods.split():
                    yield method, mount + endpoint.prefixes[0] + filled(endpoint.path), False
        for method, path in (
            ("GET", f"/api/2.0/mlflow-artifacts/{filled(streams.ARTIFACT)}"),
            ("PUT", f"/api/2.0/mlflow-artifacts/{filled(streams.ARTIFACT)}"),
            ("GET", streams.GET_ARTIFACT),
            ("GET", filled(streams.GET_MODEL_ARTIFACT)),
            ("GET", streams.GET_VERSION_ARTIFACT),
            ("POST", f"{streams.UPLOAD_ARTIFACT}?run_uuid=x&path=x"),
        ):
            yield method, mount + path, False
    for method in ("GET", "PUT"):
        for owner, path, published in (
            ("candidate:1", "model/MLmodel", False),
            ("41", "other/secret", False),
            ("41", "models", False),
            ("41", "model/MLmodel", True),
        ):
            yield method, package(owner, path), published


@pytest.fixture
async def gateway(gateways, default_settings):
    bus = FakeBus()
    # A request that passes authorization and finds the owner gets this answer.
    bus.reply = missing_resource("reached the service")
    version = {"name": "m", "version": "41", "run_id": "run"}
    for name, body in {
        "GetVersionById": {"model_version": version},
        "GetModelVersionDownloadUri": {"artifact_uri": f"{RUN}/model"},
        "GetRun": {"run": {"info": {"artifact_uri": RUN}}},
        "GetRunByIid": {"run": {"info": {"artifact_uri": RUN}}},
        "GetLoggedModel": {"model": {"info": {"artifact_uri": RUN}}},
    }.items():
        bus.replies[name] = Answer(json.dumps(body).encode())
    own = {"access_mode": "token", "direct_artifacts": True}
    return await gateways.enter(bus, default_settings.model_copy(update=own)), bus


@pytest.mark.parametrize("caller", CALLERS)
async def test_artifact_is_shown_and_changed_with_the_abilities_of_its_owner_alone(gateway, caller):
    running, bus = gateway
    held = {Ability.READ_PROJECT, Ability.CREATE_PACKAGE, *CALLERS[caller]}
    fields = {"state": "active", "user_id": 5, "username": "u", "scopes": ["api"]}
    of_project = {"project": {"id": 7, "path": "a/b"}, "abilities": sorted(held)}
    bus.replies["Authorize"] = Answer(json.dumps(fields | of_project).encode())
    wrong = []
    async with ClientSession(f"http://127.0.0.1:{running.port}") as client:
        for method, path, published in ways():
            async with client.request(
                method, path, headers={"PRIVATE-TOKEN": "glpat-x"}, json={"run_id": "r"}
            ) as response:
                body = await response.text()
            let_in = "reached the service" in body or "INVALID_PARAMETER_VALUE" in body
            if let_in != (caller == "both" or (published and caller == "registry alone")):
                wrong.append((method, path, response.status, body))
    assert not wrong
