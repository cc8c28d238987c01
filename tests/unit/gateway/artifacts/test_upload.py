"""Bytes go to the storage whole or not at all, and the client is told the truth about it."""

import asyncio
import base64
import gzip
import hashlib
import json

import pytest
from multidict import MultiDict

from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.messaging.messages import Answer
from tests.unit.gateway.artifacts.fake_storage import soon

ROOT = "/api/2.0/mlflow-artifacts/artifacts/1/0/run/artifacts"
KEY = "/1/0/run/artifacts"
MB = 1024**2


@pytest.fixture
def silent_seconds():
    return 60.0


@pytest.fixture
async def server(gateways, bus, settings, silent_seconds):
    return await gateways.enter(bus, settings, part_bytes=MB, silent_seconds=silent_seconds)


def names(bus):
    return [envelope.name for _, _, envelope in bus.sent]


async def chunked(*chunks):
    for chunk in chunks:
        yield chunk


async def test_body_is_stored_under_the_path_that_was_decoded_once(client, bus, storage):
    response = await client.put(f"{ROOT}/a%20%2525%2B.txt", data=b"content")
    assert (response.status, await response.json()) == (200, {})
    assert bus.parameters == {
        "method": "PUT",
        "path": f"{KEY[1:]}/a %25+.txt",
        "part_number": 1,
    }
    [request] = storage.requests
    assert request.headers["Content-Type"] == "text/plain"
    assert "Transfer-Encoding" not in request.headers


ENCODED = gzip.compress(bytes(170_000))
PLAIN = b"x" * 300_000


def md5(body):
    return base64.b64encode(hashlib.md5(body).digest()).decode()


@pytest.fixture
def ways(bus):
    """Return each way in as method and path, and the key that it stores under."""
    run = {"run": {"info": {"artifact_uri": f"mlflow-artifacts:{KEY}"}}}
    for name in ("GetRun", "GetRunByIid"):
        bus.replies[name] = Answer(json.dumps(run).encode())
    return [
        ("PUT", f"{ROOT}/a"),
        ("POST", f"{UI}?run_uuid=r&path=a"),
        ("PUT", "/api/v4/projects/1/packages/ml_models/candidate:1/files/a"),
    ]


@pytest.mark.parametrize("chunks", [False, True])
@pytest.mark.parametrize("with_digest", [False, True])
async def test_compressed_body_is_stored_whole_as_what_it_holds(
    client, storage, ways, chunks, with_digest
):
    headers = {"Content-Encoding": "gzip"}
    if with_digest:
        headers["Content-MD5"] = md5(ENCODED)
    for method, path in ways:
        storage.objects.clear()
        data = chunked(ENCODED[:100], ENCODED[100:]) if chunks else ENCODED
        response = await client.request(method, path, data=data, headers=headers)
        assert response.status in (200, 201), await response.text()
        assert storage.objects == {f"{KEY}/a": bytes(170_000)}


@pytest.mark.parametrize(
    "announced",
    [
        (ENCODED[:-9], {"Content-Encoding": "gzip"}, 400),
        (b"plain", {"Content-Encoding": "gzip"}, 400),
        (ENCODED, {"Content-Encoding": "br"}, 415),
        (ENCODED, MultiDict([("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")]), 415),
        (PLAIN, {"Content-Range": f"bytes 0-{len(PLAIN) - 1}/{2 * len(PLAIN)}"}, 400),
        (ENCODED, {"Content-Encoding": "gzip", "Content-MD5": md5(bytes(170_000))}, 400),
        (PLAIN, {"Content-MD5": md5(PLAIN + b"x")}, 400),
        (b"x", {"Content-MD5": md5(b"")}, 400),
        (b"", {"Content-MD5": md5(b"x")}, 400),
        (b"x", {"Content-MD5": "nonsense"}, 400),
        (b"x", {"Content-MD5": ""}, 400),
    ],
)
@pytest.mark.parametrize("chunks", [False, True])
async def test_body_that_is_not_what_its_headers_announce_is_refused_and_not_stored(
    client, storage, ways, announced, chunks
):
    body, headers, status = announced
    for method, path in ways:
        data = chunked(body) if chunks and body else body
        response = await client.request(method, path, data=data, headers=headers)
        assert response.status == status, await response.text()
        assert not storage.objects


async def test_repeated_content_encoding_is_one_list(client, storage):
    headers = MultiDict([("Content-Encoding", "identity"), ("Content-Encoding", "gzip")])
    response = await client.put(f"{ROOT}/a", data=ENCODED, headers=headers)
    assert response.status == 200
    assert storage.objects == {f"{KEY}/a": bytes(170_000)}


async def test_body_compressed_by_its_transfer_encoding_is_refused_and_not_stored(
    server, storage, ways
):
    for method, path in ways:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        writer.write(head.encode() + b"Transfer-Encoding: gzip, chunked\r\n\r\n")
        writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(ENCODED), ENCODED))
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 501 ")
        assert b"Content-Encoding: gzip" in answer
        assert not storage.objects


async def test_body_with_its_digest_is_stored(client, storage):
    response = await client.put(f"{ROOT}/a", data=PLAIN, headers={"Content-MD5": md5(PLAIN)})
    assert response.status == 200
    assert storage.objects == {f"{KEY}/a": PLAIN}
    empty = {"Content-MD5": md5(b"")}
    assert (await client.put(f"{ROOT}/b", data=b"", headers=empty)).status == 200


async def test_bomb_is_bounded_by_the_limit_and_leaves_nothing(client, bus, storage, settings):
    bomb = gzip.compress(bytes(settings.max_artifact_bytes + MB))
    headers = {"Content-Encoding": "gzip"}
    response = await client.put(f"{ROOT}/a", data=bomb, headers=headers)
    assert response.status == 400
    assert "at most" in (await response.json())["message"]
    assert names(bus)[-1] == "AbortMultipartUpload"


async def test_empty_body_is_an_empty_artifact(client, storage):
    response = await client.put(f"{ROOT}/empty", data=b"")
    assert response.status == 200
    assert storage.objects == {f"{KEY}/empty": b""}
    assert storage.requests[0].headers["Content-Length"] == "0"


async def test_body_of_unknown_length_that_is_short_goes_in_one_piece(client, bus, storage):
    response = await client.put(f"{ROOT}/a", data=chunked(b"one", b"two"))
    assert response.status == 200
    assert storage.objects == {f"{KEY}/a": b"onetwo"}
    assert names(bus) == ["PresignArtifact"]


async def test_empty_body_of_unknown_length_is_an_empty_artifact(client, storage):
    response = await client.put(f"{ROOT}/a", data=chunked())
    assert response.status == 200
    assert storage.objects == {f"{KEY}/a": b""}


@pytest.mark.parametrize("size", [MB, 2 * MB, 2 * MB + 5])
async def test_body_of_unknown_length_that_is_long_goes_in_parts(client, bus, storage, size):
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    pieces = [content[i : i + 100_000] for i in range(0, size, 100_000)]
    response = await client.put(f"{ROOT}/a", data=chunked(*pieces))
    assert response.status == 200
    stored = b"".join(storage.objects[key] for key in sorted(storage.objects))
    assert stored == content
    assert bus.envelope.name == "CompleteMultipartUpload"
    assert bus.parameters["upload_id"] == "u"
    sizes = [int(part["etag"].strip('"')) for part in bus.parameters["parts"]]
    assert sizes == [MB] * (size // MB) + ([size % MB] if size % MB else [])


async def test_announced_length_over_the_limit_is_refused_before_the_storage_is_asked(
    client, bus, settings
):
    response = await client.put(
        f"{ROOT}/a", data=b"x", headers={"Content-Length": str(settings.max_artifact_bytes + 1)}
    )
    assert response.status == 400
    body = await response.json()
    assert body["error_code"] == "INVALID_PARAMETER_VALUE"
    assert str(settings.max_artifact_bytes) in body["message"]
    assert not bus.sent


async def test_unknown_length_over_the_limit_is_refused_and_aborted(client, bus, storage, settings):
    async def endless():
        for _ in range(settings.max_artifact_bytes // MB + 1):
            yield b"x" * MB

    response = await client.put(f"{ROOT}/a", data=endless())
    assert response.status == 400
    assert (await response.json())["error_code"] == "INVALID_PARAMETER_VALUE"
    assert bus.envelope.name == "AbortMultipartUpload"


async def test_refusal_of_the_path_comes_before_the_body_is_asked_for(server, bus):
    bus.replies["PresignArtifact"] = Answer.refusal(invalid("Invalid path"))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        f"PUT {ROOT}/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answer


@pytest.mark.parametrize("length", ["Content-Length: 7", "Transfer-Encoding: chunked"])
async def test_client_that_asks_first_is_told_to_go_on(server, storage, length):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"PUT {ROOT}/a HTTP/1.1\r\nHost: localhost\r\n{length}\r\nExpect: 100-continue\r\n\r\n"
    writer.write(head.encode())
    assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 100 Continue\r\n"
    writer.write(b"content" if "Content" in length else b"7\r\ncontent\r\n0\r\n\r\n")
    assert await reader.readline() == b"\r\n"
    assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    assert storage.objects == {f"{KEY}/a": b"content"}


@pytest.mark.parametrize("length", ["Content-Length: 3000000", "Transfer-Encoding: chunked"])
async def test_client_that_leaves_in_the_middle_leaves_nothing(server, bus, storage, capfd, length):
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"PUT {ROOT}/a HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n".encode())
    part = b"x" * 2_000_000
    writer.write(part if "Content" in length else b"%x\r\n%s\r\n" % (len(part), part))
    await writer.drain()
    await soon(lambda: storage.requests)
    writer.close()
    if "chunked" in length:
        await soon(lambda: bus.envelope.name == "AbortMultipartUpload")
    await asyncio.sleep(0.1)
    assert not {key: body for key, body in storage.objects.items() if len(body) != MB}
    assert "CompleteMultipartUpload" not in names(bus)
    logged = "".join(capfd.readouterr())
    assert "request_failed" not in logged
    assert "storage_unavailable" not in logged


@pytest.mark.parametrize("silent_seconds", [0.3])
async def test_upload_may_last_longer_than_the_storage_may_be_silent(client, storage):

    async def slowly():
        for _ in range(4):
            await asyncio.sleep(0.2)
            yield b"x"

    response = await client.put(f"{ROOT}/a", data=slowly(), headers={"Content-Length": "4"})
    assert response.status == 200
    assert storage.objects == {f"{KEY}/a": b"xxxx"}


@pytest.mark.parametrize("silent_seconds", [0.2])
async def test_client_that_rests_is_waited_for(client, storage):

    async def resting():
        yield b"x"
        await asyncio.sleep(0.6)
        yield b"y"

    response = await client.put(f"{ROOT}/a", data=resting(), headers={"Content-Length": "2"})
    assert response.status == 200


@pytest.mark.parametrize("silent_seconds", [0.2])
async def test_storage_that_takes_all_and_says_nothing_is_503(client, storage):
    storage.silent = True
    response = await client.put(f"{ROOT}/a", data=b"x")
    assert response.status == 503


async def test_storage_that_is_away_is_503_with_retry_after(client, storage):
    await storage.stop()
    response = await client.put(f"{ROOT}/a", data=b"x" * MB)
    assert response.status == 503
    assert response.headers["Retry-After"] == "1"
    assert (await response.json())["error_code"] == "TEMPORARILY_UNAVAILABLE"


@pytest.mark.parametrize("status", [403, 404, 500, 503, 301])
async def test_trouble_of_the_storage_is_503(client, storage, status):
    storage.answer = (status, {}, b"<Error><Code>Trouble</Code></Error>")
    response = await client.put(f"{ROOT}/a", data=b"x")
    assert response.status == 503
    assert "Trouble" not in (await response.json())["message"]


async def test_object_that_the_storage_refuses_is_a_bad_request(client, storage):
    storage.answer = (400, {}, b"<Error><Code>XMinioParentIsObject</Code></Error>")
    response = await client.put(f"{ROOT}/a", data=b"x")
    assert response.status == 400
    assert "XMinioParentIsObject" in (await response.json())["message"]


async def test_failed_part_aborts_the_upload(client, bus, storage):
    storage.answer = (500, {}, b"")
    response = await client.put(f"{ROOT}/a", data=chunked(b"x" * (2 * MB)))
    assert response.status == 503
    assert names(bus)[-1] == "AbortMultipartUpload"


async def test_abort_that_fails_does_not_hide_the_reason(client, bus, storage):
    storage.answer = (500, {}, b"")
    bus.replies["AbortMultipartUpload"] = DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "full")
    response = await client.put(f"{ROOT}/a", data=chunked(b"x" * (2 * MB)))
    assert response.status == 503


async def test_connection_goes_on_after_an_upload(client, storage):
    for name in "abc":
        response = await client.put(f"{ROOT}/{name}", data=b"x" * MB)
        assert response.status == 200
        assert "close" not in response.headers.get("Connection", "")
    assert len(storage.objects) == 3


UI = "/ajax-api/2.0/mlflow/upload-artifact"


async def test_ui_saves_below_the_runs_root(client, bus, storage):
    uri = "mlflow-artifacts:/1/0/run/artifacts"
    bus.replies["GetRun"] = Answer(json.dumps({"run": {"info": {"artifact_uri": uri}}}).encode())
    response = await client.post(f"{UI}?run_uuid=r&path=dir/a.txt", data=b"text")
    assert response.status == 200
    assert storage.objects == {f"{KEY}/dir/a.txt": b"text"}
    assert json.loads(bus.sent[0][2].payload) == {"run_id": "r"}
    assert (await client.post(f"{UI}?run_id=r&path=b.txt", data=b"text")).status == 200
    assert storage.objects[f"{KEY}/b.txt"] == b"text"


@pytest.mark.parametrize(
    ("query", "data", "message"),
    [
        ("path=a", b"x", "Request must specify run_uuid."),
        ("run_uuid=r", b"x", "Request must specify path."),
        ("run_uuid=r&path=a", b"", "Request must specify data."),
        ("run_id=r&path=../a", b"", "Invalid path: its segments must not be empty, '.' or '..'."),
        ("run_id=r&path=/a", b"x", "Invalid path: its segments must not be empty, '.' or '..'."),
        (
            "run_uuid=r&path=a",
            b"x" * (10 * MB + 1),
            "Artifact size is too large. Max size is 10MB.",
        ),
    ],
)
async def test_ui_is_refused_in_mlflows_words(client, bus, query, data, message):
    response = await client.post(f"{UI}?{query}", data=data)
    assert response.status == 400
    assert (await response.json())["message"] == message
    assert not bus.sent
