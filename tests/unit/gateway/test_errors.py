"""Errors outside of all endpoints have the form of MLflow's errors, too."""

import asyncio
import json

import pytest


async def test_unknown_path_is_endpoint_not_found(client):
    response = await client.get("/api/2.0/mlflow/runs/nothing")
    assert response.status == 404
    assert (await response.json())["error_code"] == "ENDPOINT_NOT_FOUND"
    assert "/api/2.0/mlflow/runs/nothing" in (await response.json())["message"]


async def test_wrong_method_names_the_right_ones(client):
    response = await client.post("/api/2.0/mlflow/runs/get", json={})
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert (await response.json())["error_code"] == "ENDPOINT_NOT_FOUND"


async def test_head_is_get_without_the_body(client, bus):
    response = await client.head("/api/2.0/mlflow/runs/get?run_id=a")
    assert response.status == 200
    assert await response.read() == b""
    assert bus.parameters == {"run_id": "a"}


async def exchange(server, raw):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["nonsense", "version", "header", "length", "long line"],
)
async def test_malformed_http_is_a_bad_request(server, raw):
    head, body = await exchange(server, raw)
    assert b" 400 " in head[0]
    assert b"Content-Type: application/json" in head
    assert json.loads(body)["error_code"] == "BAD_REQUEST"


async def test_client_that_leaves_in_the_middle_is_no_error(server, bus, caplog):
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
    )
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await asyncio.sleep(0.05)
    assert not caplog.records
    assert not bus.sent


async def test_malformed_chunks_are_a_bad_request(server):
    head, body = await exchange(
        server,
        b"POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"zz\r\n{}\r\n0\r\n\r\n",
    )
    assert b" 400 " in head[0]
    assert json.loads(body)["error_code"] == "BAD_REQUEST"
