"""An answer that a service sends in parts reaches the client as one JSON text, or as a broken connection."""

import asyncio
import json

import aiohttp
import pytest

from services.gateway.http.parts import CHUNK_BYTES
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.messaging.messages import Answer
from shared.mlflow.parts import Part

HISTORY = "/api/2.0/mlflow/metrics/get-history?run_id=r&metric_key=m"


def parts(*texts):
    last = len(texts) - 1
    return [
        Answer(Part(text, f"after-{number}" if number < last else None).encode())
        for number, text in enumerate(texts)
    ]


async def test_answer_of_one_part_has_a_length(client, bus):
    bus.reply = Answer(b'{"metrics":[]}')
    response = await client.get(HISTORY)
    assert (response.status, await response.read()) == (200, b'{"metrics":[]}')
    assert response.headers["Content-Length"] == "14"


async def test_parts_are_joined(client, bus):
    bus.replies["GetMetricHistory"] = parts(b'{"metrics":[1', b",2", b",3]}")
    response = await client.get(HISTORY)
    assert (response.status, await response.read()) == (200, b'{"metrics":[1,2,3]}')
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Request-Id"]
    assert response.headers["Transfer-Encoding"] == "chunked"


async def test_head_of_parts_has_no_body_before_the_next_answer(server, bus):
    bus.replies["GetMetricHistory"] = parts(b'{"metrics":[1', b",2", b",3]}")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"HEAD {HISTORY} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    health = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    writer.write((head + health).encode())
    first, second, rest = (await reader.read()).split(b"\r\n\r\n")
    writer.close()
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 200 ")
    assert rest == b"OK"
    assert len(bus.sent) == 1


async def test_next_part_is_asked_for_with_the_clients_parameters(client, bus):
    bus.replies["GetMetricHistory"] = parts(b'{"metrics":[1', b",2", b",3]}")
    await (await client.get(HISTORY + "&max_results=3&continuation=mine")).read()
    asked = [json.loads(envelope.payload) for _, _, envelope in bus.sent]
    own = {"run_id": "r", "metric_key": "m", "max_results": "3"}
    assert asked == [own | {"continuation": each} for each in (None, "after-0", "after-1")]
    assert len({envelope.id for _, _, envelope in bus.sent}) == 3
    assert len({envelope.request_id for _, _, envelope in bus.sent}) == 1


async def test_text_larger_than_a_chunk_is_whole(client, bus):
    text = bytes(range(32, 127)) * (CHUNK_BYTES // 20)
    bus.replies["GetMetricHistory"] = parts(text, text[:CHUNK_BYTES], b"end")
    response = await client.get(HISTORY)
    assert await response.read() == text + text[:CHUNK_BYTES] + b"end"


async def test_error_before_the_first_byte_has_its_status(client, bus):
    bus.reply = invalid("No.")
    response = await client.get(HISTORY)
    assert response.status == 400
    assert (await response.json())["message"] == "No."


@pytest.mark.parametrize(
    "error",
    [
        DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "Later."),
        DomainError(ErrorCode.RESOURCE_DOES_NOT_EXIST, "Purged."),
        RuntimeError("a defect"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_later_error_breaks_the_connection(client, bus, error):
    bus.replies["GetMetricHistory"] = [*parts(b'{"metrics":[1', b",2", b"]}")[:2], error]
    with pytest.raises(aiohttp.ClientError):
        await (await client.get(HISTORY)).read()


async def test_http_1_0_is_also_broken_off(server, bus):
    bus.replies["GetMetricHistory"] = [*parts(b'{"metrics":[1', b"]}")[:1], invalid("No.")]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {HISTORY} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    try:
        answer = await reader.read()
    except ConnectionResetError:
        answer = b""
    assert not answer.endswith(b"}")
    writer.close()


async def test_client_that_leaves_ends_the_questions(server, bus, capfd):
    bus.replies["GetMetricHistory"] = parts(*[b"x" * 1_000_000] * 100)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {HISTORY} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.read(1000)
    writer.transport.abort()
    await asyncio.sleep(0.2)
    asked = len(bus.sent)
    await asyncio.sleep(0.2)
    assert len(bus.sent) == asked < 100
    said = "".join(capfd.readouterr())
    assert "request_failed" not in said
    assert "broken_off" not in said


async def test_client_that_reads_slowly_is_waited_for_without_further_questions(server, bus):
    bus.replies["GetMetricHistory"] = parts(*[b"x" * 4_000_000] * 20)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {HISTORY} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.readexactly(1000)
    await asyncio.sleep(0.3)
    # Sockets' buffers have taken some parts.
    assert len(bus.sent) < 10
    writer.transport.abort()
