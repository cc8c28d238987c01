"""Slow clients, and requests that are too large: bounded, and answered in the envelope."""

import asyncio
import contextlib
import json
import re
import time
from contextlib import suppress

import pytest
from aiohttp import ClientSession

from services.gateway.app import create_app
from services.gateway.http.server import serve
from services.gateway.http.settings import HttpSettings
from tests.unit.gateway.artifacts.fake_storage import FakeStorage, presigning, soon

CREATE = "/api/2.0/mlflow/runs/create"
PUT = "PUT /api/2.0/mlflow-artifacts/artifacts/1/0/run/artifacts/a HTTP/1.1\r\nHost: localhost\r\n"
POST = f"POST {CREATE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture
def settings(settings):
    http = HttpSettings(
        header_timeout=0.3, keepalive_timeout=0.6, body_timeout=0.3, stall_timeout=0.3
    )
    return settings.model_copy(update={"http": http})


@pytest.fixture
async def storage(bus):
    server = FakeStorage()
    await server.start()
    presigning(bus, server)
    yield server
    await server.stop()


async def connect(server):
    return await asyncio.open_connection("127.0.0.1", server.port)


async def answer(reader):
    """Read an answer, and that nothing follows it; its status and its JSON."""
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        body = await reader.readexactly(length)
        # What a client sends after the server has closed resets the connection.
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    return int(head.split()[1]), json.loads(body)


async def test_connection_that_sends_nothing_is_closed(server):
    reader, _ = await connect(server)
    assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_headers_that_trickle_do_not_hold_a_connection(server):
    _, writer = await connect(server)
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        while time.monotonic() - began < 5:
            writer.write(b"G")
            await writer.drain()
            await asyncio.sleep(0.05)
    assert time.monotonic() - began < 3


async def test_connection_that_rests_is_closed_after_a_while(server):
    reader, writer = await connect(server)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"OK" in await asyncio.wait_for(reader.read(), 5)


async def test_busy_connection_outlives_the_time_for_its_first_request(client):
    for _ in range(8):
        assert (await client.get("/health")).status == 200
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("sent", ["", '{"run_i'])
async def test_body_that_does_not_come_is_408(server, bus, sent):
    reader, writer = await connect(server)
    writer.write(f"{POST}Content-Length: 100\r\n\r\n{sent}".encode())
    status, body = await answer(reader)
    assert status == 408
    assert "did not arrive" in body["message"]
    assert not bus.sent


async def test_body_that_trickles_is_408(server):
    reader, writer = await connect(server)
    writer.write(f"{POST}Content-Length: 1000\r\n\r\n".encode())
    reading = asyncio.create_task(answer(reader))
    while not reading.done():
        writer.write(b" ")
        await asyncio.sleep(0.05)
    assert (await reading)[0] == 408


async def test_upload_that_stalls_is_given_up_and_nothing_is_stored(server, storage):
    reader, writer = await connect(server)
    writer.write(f"{PUT}Content-Length: 1000\r\n\r\nbegun".encode())
    status, body = await answer(reader)
    assert status == 408
    assert "no data arrived" in body["message"]
    assert not storage.objects


async def test_upload_that_is_slow_goes_on(server, storage):
    reader, writer = await connect(server)
    writer.write(f"{PUT}Connection: close\r\nContent-Length: 10\r\n\r\n".encode())
    for _ in range(10):
        writer.write(b"x")
        await asyncio.sleep(0.1)
    assert (await answer(reader))[0] == 200
    assert list(storage.objects.values()) == [b"x" * 10]


async def test_download_that_is_not_taken_is_broken_off(server, storage):
    content = b"x" * 30_000_000
    storage.objects["/1/0/run/artifacts/a"] = content
    reader, writer = await connect(server)
    writer.write(PUT.replace("PUT", "GET").encode() + b"\r\n")
    await reader.readexactly(100)
    await soon(lambda: not server._server.connections, seconds=10)
    received = 0
    with pytest.raises((ConnectionError, EOFError)):
        while chunk := await reader.read(2**20):
            received += len(chunk)
        raise EOFError
    assert received < len(content)


@pytest.mark.parametrize(
    "headers",
    [
        "X-Long: " + "x" * 9000 + "\r\n",
        "".join(f"X-{n}: y\r\n" for n in range(200)),
        "x" * 9000 + ": y\r\n",
    ],
    ids=["long", "many", "long name"],
)
async def test_headers_have_a_limit(server, headers):
    reader, writer = await connect(server)
    writer.write(f"GET /health HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    status, body = await answer(reader)
    assert (status, body["error_code"]) == (400, "BAD_REQUEST")


async def test_request_line_has_a_limit(server):
    reader, writer = await connect(server)
    writer.write(f"GET /{'x' * 66_000} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert (await answer(reader))[0] == 400


async def test_a_query_may_name_a_thousand_runs(client, bus):
    run_ids = [f"{number:032x}" for number in range(1000)]
    query = [("metric_key", "m"), *(("run_id", run_id) for run_id in run_ids)]
    answer = await client.get("/api/2.0/mlflow/metrics/get-history-bulk", params=query)
    assert answer.status == 200
    assert bus.parameters == {"metric_key": "m", "run_id": run_ids}


@pytest.mark.parametrize("body", [b"[" * 50_000, b'{"a":' * 10_000, b'"' + b"[" * 50_000 + b'"'])
async def test_deep_json_breaks_nothing_here(client, bus, body):
    """The part that parses the body answers 400: the service (tests/integration/gateway/test_fuzz.py), or here the
    gateway, where it adds a field."""
    headers = {"Content-Type": "application/json"}
    async with client.post(CREATE, data=body, headers=headers) as response:
        assert response.status == 200
    path = "/api/2.0/mlflow/logged-models/m-1"
    async with client.patch(path, data=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error_code"] == "INVALID_PARAMETER_VALUE"


async def test_many_slow_clients_do_not_keep_others_out(bus, settings):
    server = await serve(create_app(bus, settings), settings)
    slow = [await connect(server) for _ in range(100)]
    for _, writer in slow:
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-")
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        assert (await session.get("/health")).status == 200
    for reader, _ in slow:
        # A server that closes while bytes are unread may reset the connection.
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
    await server.close()
