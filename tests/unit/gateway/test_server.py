"""Starting and leaving."""

import asyncio

import aiohttp
import pytest

from services.gateway.app import create_app
from services.gateway.http.server import serve
from services.gateway.settings import Settings
from shared.runtime.starting import StartError

CREATE = "/api/2.0/mlflow/runs/create"


@pytest.fixture
async def running(bus, settings):
    return await serve(create_app(bus, settings), settings)


async def test_request_under_way_is_finished_before_leaving(bus, running):
    bus.hold.clear()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as client:
        request = asyncio.create_task(client.post(CREATE, json={}))
        await bus.called.wait()
        leaving = asyncio.create_task(running.close())
        await asyncio.sleep(0.05)
        bus.hold.set()
        response = await request
        assert response.status == 200
        assert response.headers["Connection"] == "close"
        await leaving


async def test_busy_connection_is_told_to_close(running):
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as client:
        await client.post(CREATE, json={})
        leaving = asyncio.create_task(running.close())
        await asyncio.sleep(0.05)
        response = await client.post(CREATE, json={})
        assert response.status == 200
        assert response.headers["Connection"] == "close"
        await leaving


async def test_nobody_is_accepted_after_leaving(running):
    await running.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", running.port)


async def test_not_ready_while_leaving(running):
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as client:
        await client.get("/health/ready")
        leaving = asyncio.create_task(running.close())
        await asyncio.sleep(0.05)
        response = await client.get("/health/ready")
        assert response.status == 503
        await leaving


async def test_request_that_never_ends_is_cut_off(bus, settings):
    settings = settings.model_copy(update={"drain_timeout": 0.1})
    running = await serve(create_app(bus, settings), settings)
    bus.hold.clear()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as client:
        request = asyncio.create_task(client.post(CREATE, json={}))
        await bus.called.wait()
        await asyncio.wait_for(running.close(), 5)
        with pytest.raises(aiohttp.ClientError):
            await request


async def test_taken_port_is_an_error(running, bus, settings):
    taken = settings.model_copy(update={"port": running.port})
    with pytest.raises(StartError, match="in use by another program; WARREN_PORT names another"):
        await serve(create_app(bus, taken), taken)
    await running.close()


async def test_two_gateways_share_a_port_when_asked(bus):
    shared = Settings(port=0, reuse_port=True)
    first = await serve(create_app(bus, shared), shared)
    same = shared.model_copy(update={"port": first.port})
    second = await serve(create_app(bus, same), same)
    assert second.port == first.port
    await first.close()
    await second.close()


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("WARREN_PORT", "5055")
    monkeypatch.setenv("WARREN_HOST", "0.0.0.0")
    assert (Settings().port, Settings().host) == (5055, "0.0.0.0")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PATCH /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        b"\x16\x03\x01 not HTTP\r\n\r\n",
    ],
)
async def test_server_header_says_no_version(running, request_bytes):
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(request_bytes)
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).split(b"\r\n")
    assert [each for each in head if each.lower().startswith(b"server:")] == [b"Server: Warren"]
    writer.close()
    await running.close()
