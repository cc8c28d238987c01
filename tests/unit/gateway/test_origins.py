"""Web pages of others can't use the API through a browser."""

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import make_mocked_request

from services.gateway.http.origins import OriginGuard
from services.gateway.http.settings import HttpSettings, is_loopback
from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.messages import Answer
from tests.unit.gateway.fake_bus import FakeBus

SEARCH = "/api/2.0/mlflow/experiments/search"
CREATE = "/api/2.0/mlflow/runs/create"


@pytest.fixture
async def with_settings(gateways, settings):
    """Return the clients of gateways with other settings of HTTP."""
    sessions = []

    async def start(bus=None, **changed):
        http = settings.http.model_copy(update=changed)
        own = settings.model_copy(update={"http": http})
        server = await gateways.enter(bus or FakeBus(), own)
        sessions.append(ClientSession(f"http://127.0.0.1:{server.port}"))
        return sessions[-1]

    yield start
    for session in sessions:
        await session.close()


async def status(client, path=SEARCH, method="GET", **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.request(method, path, headers=given) as response:
        return response.status


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:5000",
        "127.0.0.1:5000",
        "127.8.9.1",
        "[::1]:5000",
        "[::1]",
        "0.0.0.0:5000",
        "10.1.2.3:5000",
        "172.31.0.1",
        "192.168.1.2:80",
        "[fd00::1]:5000",
    ],
)
async def test_near_hosts_are_answered_on_loopback(client, host):
    assert await status(client, Host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "10.evil.example",
        "192.168.evil.example:5000",
        "localhost.evil.example",
        "8.8.8.8",
        "172.32.0.1",
        "[2001:db8:1::1]:5000x",
        "[",
        "127.0.0.1@evil.example",
        "",
    ],
)
async def test_other_hosts_are_refused_on_loopback(client, bus, host):
    async with client.get(SEARCH, headers={"Host": host}) as response:
        assert response.status == 403
        body = await response.json()
        assert body["error_code"] == "PERMISSION_DENIED"
        assert "WARREN_HTTP_ALLOWED_HOSTS" in body["message"]
        assert response.headers["X-Request-Id"]
    assert not bus.sent


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/version"])
async def test_probes_may_name_any_host(client, path):
    assert await status(client, path, Host="pod-7.cluster") == 200


def request_for(host, **headers):
    return make_mocked_request("POST", SEARCH, headers={"Host": host, **headers})


def test_any_host_is_answered_elsewhere():
    assert OriginGuard(HttpSettings(), "0.0.0.0").check(request_for("mlflow.example")) is None


def test_named_hosts_alone_are_answered():
    browsers = OriginGuard(HttpSettings(allowed_hosts="mlflow.example, *.corp.example"), "0.0.0.0")
    for host in ("mlflow.example", "MLflow.example:8443", "a.corp.example:80"):
        assert browsers.check(request_for(host)) is None
    for host in ("127.0.0.1", "corp.example", "mlflow.example.evil"):
        with pytest.raises(DomainError):
            browsers.check(request_for(host))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://[", "http://localhost.evil.example"]
)
async def test_pages_of_others_change_nothing(client, bus, method, origin):
    assert await status(client, CREATE, method, Origin=origin) == 403
    assert not bus.sent


async def test_pages_of_others_read_nothing(client):
    async with client.get(SEARCH, headers={"Origin": "https://evil.example"}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_pages_of_this_address_and_of_this_machine_may(client, server):
    own = f"http://127.0.0.1:{server.port}"
    for origin in (own, "http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"):
        async with client.post(CREATE, json={}, headers={"Origin": origin}) as response:
            assert response.status == 200


async def test_named_pages_may(with_settings):
    client = await with_settings(cors_allowed_origins="https://ui.example,https://*.corp.example")
    for origin in ("https://ui.example", "https://a.corp.example"):
        async with client.post(CREATE, json={}, headers={"Origin": origin}) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert response.headers["Access-Control-Allow-Credentials"] == "true"
            assert response.headers["Vary"] == "Origin"
    assert await status(client, CREATE, "POST", Origin="https://ui.example.evil") == 403


async def test_any_page_may_without_credentials_of_the_browser(with_settings):
    client = await with_settings(cors_allowed_origins="*")
    async with client.post(CREATE, json={}, headers={"Origin": "https://a.example"}) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_refusals_can_be_read_by_pages_that_may(with_settings, bus):
    bus.reply = Answer(b"no", ErrorCode.RESOURCE_DOES_NOT_EXIST)
    client = await with_settings(bus, cors_allowed_origins="https://ui.example")
    for path in (SEARCH, "/nothing/here"):
        async with client.get(path, headers={"Origin": "https://ui.example"}) as response:
            assert response.status == 404
            assert response.headers["Access-Control-Allow-Origin"] == "https://ui.example"


async def test_preflight_is_answered(client):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}
    local = {"Origin": "http://localhost:3000", **asked}
    async with client.options(CREATE, headers=local) as response:
        assert response.status == 204
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert response.headers["Access-Control-Allow-Headers"] == "x-a"
        assert response.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    async with client.options(
        CREATE, headers={"Origin": "https://evil.example", **asked}
    ) as response:
        assert response.status == 204
        assert not [name for name in response.headers if name.startswith("Access-Control")]


async def test_answers_are_not_sniffed(client):
    for path in (SEARCH, "/nothing/here"):
        async with client.get(path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_loopback_is_recognised(host, loopback):
    assert is_loopback(host) is loopback
