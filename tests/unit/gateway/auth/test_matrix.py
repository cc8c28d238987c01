"""Roles by scopes by routes: every route of MLflow's API, behind both mounts.

What a role may do comes from the access service's own policy. What a route does is told here by the
names of its contract, not by how the gateway works out its need.
"""

import json
from itertools import product

import pytest
from aiohttp import ClientSession

from services.access.policy import CallerRole, Feature, ProjectSettings, Role, Visibility, abilities
from services.gateway.app import create_app
from services.gateway.artifacts import routes as streams
from services.gateway.http.routing import variables
from services.gateway.http.server import serve
from services.gateway.mlflow.endpoints import ENDPOINTS, PROXY_PREFIXES
from services.gateway.mlflow.routes import MLFLOW_OF_PROJECT
from services.gateway.settings import Settings
from shared.contracts.errors import missing_resource
from shared.messaging.messages import Answer
from tests.unit.gateway.fake_bus import FakeBus

READING = ("BatchGet", "Get", "List", "Search")
READS_BESIDES = {
    "CalculateTraceFilterCorrelation",
    "CreatePresignedDownloadUrl",
    "QueryTraceMetrics",
}
"""Their names are MLflow's, but they only read."""
CHANGES_BESIDES = {"GetOrCreateUserQueue"}
"""Its name begins like that of a query."""

SCOPES = ("api", "read_api", "read_user")
PROJECT = "/api/v4/projects/7"
MOUNTS = {"root": "", "project": PROJECT + MLFLOW_OF_PROJECT}


def filled(path):
    for name in variables(path):
        path = path.replace(f"{{{name}}}", "x").replace(f"{{{name}:path}}", "x")
    return path


def routes(mount):
    """Yield method, path and whether it reads; one prefix of each endpoint, for all have one handler."""
    prefix = MOUNTS[mount]
    for endpoint in ENDPOINTS:
        name = endpoint.contract.__name__
        reads = name.startswith(READING) or name in READS_BESIDES
        reads = reads and name not in CHANGES_BESIDES
        for method in endpoint.methods.split():
            yield method, prefix + endpoint.prefixes[0] + filled(endpoint.path), reads
    artifact = filled(streams.ARTIFACT)
    for proxy, method in product(PROXY_PREFIXES, ("GET", "PUT")):
        yield method, prefix + proxy + artifact, method == "GET"
    for path in (
        streams.GET_ARTIFACT,
        streams.GET_MODEL_ARTIFACT,
        streams.GET_VERSION_ARTIFACT,
        *(f"{path}?request_id=x" for path in streams.GET_TRACE_ARTIFACTS),
    ):
        yield "GET", prefix + filled(path), True
    yield "POST", prefix + streams.UPLOAD_ARTIFACT, False
    if mount == "project":
        for method in ("GET", "PUT"):
            for owner in ("candidate:1", "1"):
                path = streams.PACKAGE_FILE.replace("{owner}", owner)
                yield method, PROJECT + filled(path), method == "GET"


def authorization(caller, scope):
    allowed = abilities(
        caller, ProjectSettings(Visibility.PRIVATE, Feature.ENABLED, Feature.ENABLED)
    )
    project = {"id": 7, "path": "a/b"} if allowed else None
    fields = {"state": "active", "user_id": 5, "username": "u", "scopes": [scope]}
    return Answer(json.dumps({**fields, "project": project, "abilities": allowed}).encode())


def expected(path, caller, scope, reads):
    """Return the status of the refusal, or None where the request passes."""
    if scope != "api" and not (reads and scope == "read_api"):
        return 403
    if caller.role < Role.GUEST and not caller.is_admin:
        return 404
    if reads or caller.role >= Role.DEVELOPER or caller.is_admin:
        return None
    return 401 if MLFLOW_OF_PROJECT in path else 403


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(
    "caller",
    [
        *(CallerRole(signed_in=True, role=role) for role in Role),
        CallerRole(signed_in=True, is_admin=True),
    ],
    ids=lambda caller: "admin" if caller.is_admin else caller.role.name.lower(),
)
async def test_every_route_lets_in_the_right_callers_alone(mount, caller):
    bus = FakeBus()
    # A request that passes authorization gets this answer.
    bus.reply = missing_resource("reached the service")
    settings = Settings(port=0, access_mode="token", direct_artifacts=True)
    running = await serve(create_app(bus, settings), settings)
    wrong = []
    async with ClientSession(f"http://127.0.0.1:{running.port}") as client:
        for number, scope in enumerate(SCOPES):
            bus.replies["Authorize"] = authorization(caller, scope)
            headers = {"PRIVATE-TOKEN": f"glpat-{number}"}
            for method, path, reads in routes(mount):
                async with client.request(
                    method, path, headers=headers, json={"run_id": "r"}
                ) as response:
                    body = await response.text()
                wanted = expected(path, caller, scope, reads)
                refused = None if _passed(body) else response.status
                if refused != wanted:
                    wrong.append((scope, method, path, wanted, response.status, body))
    await running.close()
    assert not wrong


def _passed(body):
    """Tell whether a request came to a service, or to the first look at its parameters."""
    return "reached the service" in body or "INVALID_PARAMETER_VALUE" in body
