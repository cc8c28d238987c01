"""A token's requests beyond its limit are told to come later."""

from base64 import b64encode

import pytest
from aiohttp import ClientSession

from services.gateway.app import create_app
from services.gateway.http.rate_limit import RateLimit
from services.gateway.http.server import serve
from services.gateway.http.settings import HttpSettings
from shared.runtime.metrics import REGISTRY

CREATE = "/api/2.0/mlflow/runs/create"


@pytest.fixture
async def limited(bus, settings):
    """Serve with one request in ten seconds, and two at once."""
    http = HttpSettings(rate_limit=0.1, rate_burst=2)
    own = settings.model_copy(update={"http": http})
    server = await serve(create_app(bus, own), own)
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
    await server.close()


async def create(client, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.post(CREATE, json={}, headers=given) as response:
        return response.status, response.headers.get("Retry-After"), await response.json()


async def test_request_over_the_limit_is_429_with_the_time_to_wait(limited, bus):
    before = REGISTRY.get_sample_value("warren_http_rate_limited_total")
    for _ in range(2):
        assert (await create(limited, Authorization="Bearer a"))[0] == 200
    status, wait, body = await create(limited, Authorization="Bearer a")
    assert (status, wait) == (429, "10")
    assert body["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert "The request was not processed" in body["message"]
    assert [envelope.name for _, _, envelope in bus.sent].count("CreateRun") == 2
    assert REGISTRY.get_sample_value("warren_http_rate_limited_total") == before + 1


async def test_each_token_has_its_own_limit(limited):
    for header in (
        {"Authorization": "Bearer a"},
        {"Authorization": "Bearer b"},
        {"PRIVATE_TOKEN": "c"},
        {},
    ):
        for _ in range(2):
            assert (await create(limited, **header))[0] == 200
        assert (await create(limited, **header))[0] == 429


async def test_a_token_has_one_limit_however_it_is_shown(limited):
    basic = "Basic " + b64encode(b"anybody:a").decode()
    shown = [{"Authorization": "Bearer a"}, {"Authorization": basic}, {"PRIVATE_TOKEN": "a"}]
    statuses = [(await create(limited, **header))[0] for header in shown]
    assert statuses == [200, 200, 429]
    async with limited.post(f"{CREATE}?private_token=a", json={}) as response:
        assert response.status == 429


async def test_probes_have_no_limit(limited):
    for _ in range(10):
        assert (await limited.get("/health")).status == 200


async def test_no_limit_by_default(client):
    for _ in range(300):
        assert (await create(client, Authorization="Bearer a"))[0] == 200


def passed(limit, seconds, key=1):
    """Ask a hundred times a second and count the requests that pass."""
    return sum(limit.take(key, 1000 + n / 100) == 0 for n in range(int(seconds * 100)))


def test_rate_is_kept_after_the_burst():
    assert passed(RateLimit(rate=5, burst=10), seconds=10) == 10 + 5 * 10 - 1


def test_client_that_waits_as_long_as_it_is_told_passes():
    limit = RateLimit(rate=0.5, burst=1)
    assert limit.take(1, 1000) == 0
    wait = limit.take(1, 1000.5)
    assert wait == 2
    assert limit.take(1, 1000.5 + wait) == 0


def test_buckets_are_bounded_and_busy_ones_are_kept():
    limit = RateLimit(rate=1, burst=1, max_buckets=100)
    for key in range(1000):
        limit.take(key, 1000 + key / 1000)
        assert len(limit._full_at) <= 100
    assert limit.take(999, 1001) > 0
    for key in range(1000, 1050):
        limit.take(key, 2000)
    assert limit.take(1049, 2000) > 0
