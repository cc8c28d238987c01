"""The listener of a process for operators."""

import asyncio

import pytest
from aiohttp import ClientSession, web

from shared.runtime.health import Monitor
from shared.runtime.settings import MonitorSettings


@pytest.fixture
async def monitor():
    async with Monitor(check_seconds=0.5).listening(MonitorSettings(port=0)) as listening:
        yield listening


@pytest.fixture
async def client(monitor):
    async with ClientSession(f"http://127.0.0.1:{monitor.port}") as session:
        yield session


async def true():
    return True


async def false():
    return False


async def fails():
    raise OSError


async def hangs():
    await asyncio.sleep(60)
    return True


async def test_nothing_listens_unless_a_port_is_named():
    async with Monitor().listening(MonitorSettings()) as silent:
        assert silent.port is None


async def test_process_that_starts_is_alive_and_not_ready(client):
    assert (await client.get("/health/live")).status == 200
    response = await client.get("/health/ready")
    assert response.status == 503
    assert (await response.json())["checks"] == {"started": False, "accepting": True}


async def test_ready_when_all_checks_pass(client, monitor):
    monitor.started({"bus": true, "database": true})
    assert (await client.get("/health/ready")).status == 200


@pytest.mark.parametrize("check", [false, fails, hangs])
async def test_not_ready_when_a_check_fails(client, monitor, check):
    monitor.started({"bus": true, "database": check})
    response = await client.get("/health/ready")
    assert response.status == 503
    checks = (await response.json())["checks"]
    assert (checks["bus"], checks["database"]) == (True, False)


async def test_not_ready_while_draining(client, monitor):
    monitor.started({"bus": true})
    monitor.drain()
    assert (await client.get("/health/ready")).status == 503


async def test_metrics_are_prometheus_text(client):
    response = await client.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert "process_cpu_seconds_total" in await response.text()


@pytest.mark.parametrize(
    "request_line", [b"GET /metrics HTTP/1.1", b"GET /x HTTP/1.1", b"\x16\x03"]
)
async def test_server_header_says_no_version(monitor, request_line):
    reader, writer = await asyncio.open_connection("127.0.0.1", monitor.port)
    writer.write(request_line + b"\r\nHost: localhost\r\n\r\n")
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).split(b"\r\n")
    assert [each for each in head if each.lower().startswith(b"server:")] == [b"Server: Warren"]
    writer.close()


async def test_a_page_whose_name_leads_here_reads_nothing(client):
    for host in ("evil.example", "evil.example:80", "localhost.evil.example", "10.0.0.1", ""):
        assert (await client.get("/metrics", headers={"Host": host})).status == 403
    for host in ("localhost", "LOCALHOST:9100", "127.0.0.1", "[::1]:9100"):
        assert (await client.get("/health/live", headers={"Host": host})).status == 200


async def test_a_listener_for_the_network_is_asked_by_any_name(monkeypatch):
    site = web.TCPSite
    monkeypatch.setattr(web, "TCPSite", lambda runner, _host, port: site(runner, "127.0.0.1", port))
    settings = MonitorSettings(host="tracking.internal", port=0)
    async with (
        Monitor().listening(settings) as listening,
        ClientSession(f"http://127.0.0.1:{listening.port}") as session,
        session.get("/health/live", headers={"Host": "tracking:9100"}) as answer,
    ):
        assert answer.status == 200
