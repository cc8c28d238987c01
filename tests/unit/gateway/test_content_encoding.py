"""Compressed bodies are inflated after authentication, up to the limit, in slices between which others are served."""

import asyncio
import gzip
import time
import zlib

import pytest

from services.gateway.http import content_encoding
from tests.unit.gateway.artifacts.fake_storage import FakeStorage, presigning
from tests.unit.gateway.bombs import bomb

CREATE = "/api/2.0/mlflow/runs/create"
PUT = "/api/2.0/mlflow-artifacts/artifacts/1/0/run/artifacts/a"
JSON = {"Content-Type": "application/json"}
GZIP = JSON | {"Content-Encoding": "gzip"}
TOKEN = {"Authorization": "Bearer glpat-x"}


def raw_deflate(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"max_artifact_bytes": 64 * 2**20})


@pytest.fixture
async def storage(bus):
    server = FakeStorage()
    await server.start()
    presigning(bus, server)
    yield server
    await server.stop()


@pytest.fixture
def nothing_inflates(monkeypatch):
    monkeypatch.setattr(content_encoding, "_Stream", None)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("identity, gzip", gzip.compress),
        ("gzip", lambda data: gzip.compress(data[:4]) + gzip.compress(data[4:])),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
    ],
)
async def test_body_is_inflated(client, bus, encoding, compress):
    body = b'{"run_name": "' + b"x" * 90_000 + b'"}'
    headers = JSON | {"Content-Encoding": encoding}
    async with client.post(CREATE, data=compress(body), headers=headers) as response:
        assert response.status == 200
    assert bus.envelope.payload == body


@pytest.mark.parametrize("path", [CREATE, f"/api/v4/projects/1/ml/mlflow{CREATE}"])
@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip"])
async def test_other_encodings_are_415_that_names_those_that_work(client, bus, path, encoding):
    headers = JSON | {"Content-Encoding": encoding}
    async with client.post(path, data=b"...", headers=headers) as response:
        assert response.status == 415
        assert response.headers["Accept-Encoding"] == "gzip, deflate"
        assert encoding in (await response.json())["message"]
    assert not bus.sent


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b"{}", mtime=0)[:-1], gzip.compress(b"{}", mtime=0) + b"tail"],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_body_that_is_no_whole_stream_is_400(client, bus, storage, method, body):
    path = CREATE if method == "POST" else PUT
    async with client.request(method, path, data=body, headers=GZIP) as response:
        assert response.status == 400
        assert (await response.json())["error_code"] == "BAD_REQUEST"
    assert not storage.objects
    assert (await client.post(CREATE, json={})).status == 200


async def test_compressed_artifact_is_stored_whole(client, storage):
    content = bytes(range(256)) * 1000
    async with client.put(PUT, data=gzip.compress(content), headers=GZIP) as response:
        assert response.status == 200
    assert list(storage.objects.values()) == [content]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/no/such/path", {}, 404),
        ("PATCH", CREATE, {}, 405),
        ("POST", "/api/v4/projects/2/ml/mlflow" + CREATE, {}, 401),
        ("PUT", "/api/v4/projects/2/ml/mlflow" + PUT, {}, 401),
        ("POST", "/api/v4/groups", {}, 401),
        ("POST", CREATE, {"Content-Type": "text/plain"}, 400),
        ("POST", CREATE, {"Host": "evil.example.com"}, 403),
    ],
)
@pytest.mark.usefixtures("nothing_inflates")
async def test_nothing_is_inflated_for_who_may_not_ask(client, method, path, headers, status):
    async with client.request(method, path, data=bomb(1024), headers=GZIP | headers) as response:
        assert response.status == status


async def longest_wait(client, while_running):
    """Return the most that is done before one of many small requests is answered, in seconds of this thread."""
    longest = 0.0
    while not while_running.done():
        began = time.thread_time()
        async with client.get("/health/live") as response:
            assert response.status == 200
        longest = max(longest, time.thread_time() - began)
    return longest


@pytest.mark.parametrize(("method", "path"), [("POST", CREATE), ("PUT", PUT)])
async def test_bomb_is_refused_while_others_are_served(client, bus, storage, method, path):
    body = bomb(1024)
    assert len(body) < 1_100_000

    async def throw():
        for _ in range(3):
            async with client.request(method, path, data=body, headers=GZIP | TOKEN) as response:
                assert response.status == 400
                assert "at most" in (await response.json())["message"]

    throwing = asyncio.create_task(throw())
    assert await longest_wait(client, throwing) < 0.1
    await throwing
    assert not {envelope.name for _, _, envelope in bus.sent} & {
        "CreateRun",
        "CompleteMultipartUpload",
    }
