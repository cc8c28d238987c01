"""A gateway that is open only because it listens on loopback takes nothing from a proxy."""

import pytest

ROOT = "/api/2.0/mlflow/runs/search"
MOUNT = "/api/v4/projects/1/ml/mlflow" + ROOT
HEADERS = [
    {"Forwarded": "for=1.2.3.4"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"x-forwarded-proto": "https"},
    {"X-Forwarded-Host": "warren.example.com"},
    {"X-Real-IP": "1.2.3.4"},
    {"Via": "1.1 proxy"},
]


@pytest.fixture
def mode():
    return None


@pytest.fixture
def settings(default_settings, mode):
    return default_settings.model_copy(update={"access_mode": mode})


@pytest.mark.parametrize("path", [ROOT, MOUNT, "/api/v4/groups", "/"])
@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: next(iter(headers)))
async def test_request_from_a_proxy_is_refused_until_the_mode_is_set(client, bus, path, headers):
    for token in ({}, {"PRIVATE-TOKEN": "glpat-x"}):
        async with client.post(path, json={}, headers=headers | token) as response:
            body = await response.json()
            assert (response.status, body["error_code"]) == (403, "PERMISSION_DENIED")
            assert "WARREN_ACCESS_MODE=token" in body["message"]
            assert next(iter(headers)).lower() in body["message"].lower()
    assert not bus.sent


async def test_others_are_let_in_and_probes_come_through_proxies(client):
    assert (await client.post(ROOT, json={})).status == 200
    assert (await client.get("/health", headers=HEADERS[0])).status == 200


@pytest.mark.parametrize(("mode", "status"), [("open", 200), ("token", 401)])
@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: next(iter(headers)))
async def test_with_a_mode_that_is_set_headers_of_proxies_mean_nothing(client, headers, status):
    async with client.post(ROOT, json={}, headers=headers) as response:
        assert response.status == status
