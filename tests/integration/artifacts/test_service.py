"""The service on the bus and a real S3 server, from its start to its end."""

import asyncio
import json
import time

import pytest

from deploy.local.embedded.process import free_ports
from services.artifacts.service import ArtifactsService
from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore
from shared.contracts.errors import ErrorCode
from shared.messaging.client import BusClient
from shared.messaging.memory import MemoryBroker, MemoryTransport
from shared.messaging.messages import Envelope, new_id


@pytest.fixture
def broker():
    return MemoryBroker(["artifacts"])


@pytest.fixture
async def bus(broker):
    client = BusClient(MemoryTransport(broker))
    await client.start()
    yield client
    await client.close()


async def ask(bus, kind, name, **fields):
    payload = json.dumps(fields).encode()
    envelope = Envelope(
        id=new_id(), name=name, project=1, payload=payload, deadline=time.time() + 10
    )
    answer = await bus.call("artifacts", kind, envelope)
    return answer.error or json.loads(answer.body)


async def test_service_makes_its_bucket_and_answers(bus, broker, s3_settings, http):
    service = await ArtifactsService.start(s3_settings, 1000, MemoryTransport(broker))
    url = (await ask(bus, "queries", "PresignArtifact", method="PUT", path="1/a"))["url"]
    async with http.put(url, data=b"content") as answer:
        assert answer.status == 200
    [entry] = (await ask(bus, "queries", "ListProxiedArtifacts", path="1"))["files"]
    assert entry == {"path": "a", "is_dir": False, "file_size": 7}
    assert await ask(bus, "commands", "DeleteArtifact", path="1/a") == {}
    assert await ask(bus, "queries", "ListProxiedArtifacts", path="1") == {"files": []}
    await service.close()


async def test_names_that_the_storage_reserves_are_listed_and_deleted_like_others(
    bus, broker, s3_settings, http
):
    service = await ArtifactsService.start(s3_settings, 1000, MemoryTransport(broker))
    names = [".uploads", ".versions", "a.versions"]
    for path in [*(f"1/r/{name}/x.versions" for name in names), "1/r/v.versions", "1/r/.a"]:
        signed = await ask(bus, "queries", "PresignArtifact", method="PUT", path=path)
        assert signed["name"] == path.rpartition("/")[2]
        async with http.put(signed["url"], data=b"content") as answer:
            assert answer.status == 200
    listed = (await ask(bus, "queries", "ListProxiedArtifacts", path="1/r"))["files"]
    assert [each["path"] for each in listed] == [".a", *names, "v.versions"]
    for name in names:
        [entry] = (await ask(bus, "queries", "ListProxiedArtifacts", path=f"1/r/{name}"))["files"]
        assert entry == {"path": "x.versions", "is_dir": False, "file_size": 7}
    assert await ask(bus, "commands", "DeleteArtifact", path="1/r") == {}
    for name in names:
        signed = await ask(
            bus, "queries", "PresignArtifact", method="GET", path=f"1/r/{name}/x.versions"
        )
        async with http.get(signed["url"]) as answer:
            assert answer.status == 404
    await service.close()


async def test_completion_that_is_repeated_is_answered_alike(bus, broker, s3_settings, http):
    service = await ArtifactsService.start(s3_settings, 1000, MemoryTransport(broker))
    named = {"artifact_path": "1/dir", "path": "big"}
    begun = await ask(bus, "commands", "CreateMultipartUpload", **named)
    async with http.put(begun["credentials"][0]["url"], data=b"x") as answer:
        part = {"part_number": 1, "etag": answer.headers["ETag"]}
    named["upload_id"] = begun["upload_id"]
    for _ in range(2):
        assert await ask(bus, "commands", "CompleteMultipartUpload", **named, parts=[part]) == {}
    await service.close()


async def test_service_starts_without_its_storage_and_says_so(bus, broker):
    [port] = free_ports(1)
    nowhere = S3Settings(endpoint=f"http://127.0.0.1:{port}", access_key="a", secret_key="b")
    service = await ArtifactsService.start(nowhere, 1000, MemoryTransport(broker))
    listed = await ask(bus, "queries", "ListProxiedArtifacts", path="1")
    assert listed == ErrorCode.TEMPORARILY_UNAVAILABLE
    await service.close()


class FailsFirst(MinioStore):
    """A store that does not understand the first answer about its bucket."""

    failed = False

    async def ensure_bucket(self):
        if not self.failed:
            self.failed = True
            raise ValueError("an answer that the SDK can't read")
        await super().ensure_bucket()


async def test_service_starts_whatever_is_wrong_with_its_bucket(broker, s3_settings):
    transport = MemoryTransport(broker)
    service = await ArtifactsService.start(s3_settings, 1000, transport, open_store=FailsFirst)
    async with asyncio.timeout(10):
        while not await service.checks["storage"]():
            await asyncio.sleep(0.05)
    await service.close()
