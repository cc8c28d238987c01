"""Probes, and what clients ask about the server."""

from services.gateway.http.health import MLFLOW_VERSION


async def test_health_is_mlflows_text(client):
    assert await (await client.get("/health")).text() == "OK"


async def test_version_is_mlflows_text(client):
    assert await (await client.get("/version")).text() == MLFLOW_VERSION


async def test_process_is_alive_without_a_bus(client, bus):
    bus.ready = False
    response = await client.get("/health/live")
    assert (response.status, await response.json()) == (200, {"status": "alive"})


async def test_ready_with_a_bus(client):
    response = await client.get("/health/ready")
    assert response.status == 200
    assert (await response.json())["checks"]["bus"] is True


async def test_not_ready_without_a_bus(client, bus):
    bus.ready = False
    response = await client.get("/health/ready")
    assert response.status == 503
    assert await response.json() == {
        "status": "not ready",
        "checks": {"bus": False, "accepting": True},
    }


async def test_server_info_promises_nothing_that_is_not_there(client):
    for path in ("/api/3.0/mlflow/server-info", "/ajax-api/3.0/mlflow/server-info"):
        info = await (await client.get(path)).json()
        assert info["store_type"] == "SqlStore"
        assert info["workspaces_enabled"] is True
        assert info["trace_archival_enabled"] is False


async def test_project_s_own_mount_has_no_workspaces(client):
    path = "/api/v4/projects/1/ml/mlflow/api/3.0/mlflow"
    assert (await (await client.get(f"{path}/server-info")).json())["workspaces_enabled"] is False
    assert (await client.get(f"{path}/workspaces")).status == 404
