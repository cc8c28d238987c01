"""The metrics of requests."""

import asyncio

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.messages import Answer
from shared.runtime.metrics import REGISTRY

CREATE = "/api/2.0/mlflow/runs/create"
DURATION = "warren_http_request_duration_seconds_count"


@pytest.fixture
def count():
    """Return how much a sample has grown since it was first asked for."""
    before = {}

    def grown(name, **labels):
        value = REGISTRY.get_sample_value(name, labels) or 0
        return value - before.setdefault((name, *sorted(labels.items())), value)

    return grown


def request(path=CREATE, method="POST", status="2xx"):
    return {"route": path, "method": method, "status": status}


async def test_request_is_counted_by_its_route_and_status(client, bus, count):
    refused = request(status="4xx")
    assert (count(DURATION, **request()), count(DURATION, **refused)) == (0, 0)
    await client.post(CREATE, json={})
    bus.reply = Answer(b"no", ErrorCode.INVALID_PARAMETER_VALUE)
    await client.post(CREATE, json={})
    assert (count(DURATION, **request()), count(DURATION, **refused)) == (1, 1)


async def test_route_is_the_template_not_the_path(client, count):
    template = "/api/2.0/mlflow/logged-models/{model_id}"
    asked = request(template, "GET")
    count(DURATION, **asked)
    for name in ("m-1", "m-2"):
        await client.get(f"/api/2.0/mlflow/logged-models/{name}")
    assert count(DURATION, **asked) == 2


async def test_paths_and_methods_that_lead_nowhere_share_one_route(client, count):
    lost = request("none", "none", "4xx")
    count(DURATION, **lost)
    await client.get("/no/such/path")
    await client.delete(CREATE)
    assert count(DURATION, **lost) == 2


@pytest.mark.parametrize(
    ("code", "status"),
    [(ErrorCode.REQUEST_LIMIT_EXCEEDED, "429"), (ErrorCode.TEMPORARILY_UNAVAILABLE, "503")],
)
async def test_rejections_are_counted(client, bus, count, code, status):
    bus.reply = DomainError(code, "come again")
    count("warren_http_rejections_total", status=status)
    await client.post(CREATE, json={})
    assert count("warren_http_rejections_total", status=status) == 1


async def test_requests_under_way_are_seen(client, bus):
    bus.hold.clear()
    sent = asyncio.create_task(client.post(CREATE, json={}))
    await bus.called.wait()
    assert REGISTRY.get_sample_value("warren_http_requests_in_flight") == 1
    bus.hold.set()
    await sent
    assert REGISTRY.get_sample_value("warren_http_requests_in_flight") == 0
