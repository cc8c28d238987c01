"""The UI gets empty lists about families of endpoints that Warren does not have, and clients get errors."""

import pytest

from services.gateway.mlflow.endpoints import ENDPOINTS
from services.gateway.ui.empty_answers import EMPTY_ANSWERS

MOUNTS = ["", "/api/v4/projects/1/ml/mlflow"]
WRITES = [
    ("POST", "3.0/mlflow/issues/invoke"),
    ("POST", "2.0/mlflow/webhooks"),
    ("POST", "3.0/mlflow/ui-telemetry"),
    ("PUT", "3.0/mlflow/assistant/config"),
]


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(("method", "path"), EMPTY_ANSWERS)
async def test_ui_sees_empty_lists_and_clients_see_that_it_is_not_there(
    client, bus, mount, method, path
):
    response = await client.request(method, f"{mount}/ajax-api/{path}")
    assert (response.status, response.content_type) == (200, "application/json")
    assert await response.json() == EMPTY_ANSWERS[method, path]
    response = await client.request(method, f"{mount}/api/{path}")
    assert response.status in {404, 405}
    assert not bus.sent


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_writes_are_refused(client, method, path):
    response = await client.request(method, f"/ajax-api/{path}", json={})
    assert response.status in {404, 405}
    assert "There is no endpoint" in await response.text() or response.status == 405


def test_no_endpoint_of_warren_is_hidden():
    own = {route for endpoint in ENDPOINTS for route in endpoint.routes}
    assert not own & {(method, f"/ajax-api/{path}") for method, path in EMPTY_ANSWERS}
