"""The disks under PostgreSQL and S3 are full, and then are not: 503 until then, and nothing half is left.

503 rather than 507, which no client of MLflow's repeats: who frees space must find their work done.
"""

import asyncio
import os
from dataclasses import asdict

import aio_pika
import aiohttp
import asyncpg
import pytest

from deploy.local.embedded.s3 import EmbeddedS3
from services.artifacts.settings import S3Settings
from shared.messaging.topology import dead_letter_queue
from tests.faults.load import loaded
from tests.faults.small_disk import small_disk
from tests.integration.gateway.artifacts_api import Artifacts
from tests.rest import api, metric
from tests.warren_fixtures import running
from tests.web_server import stack

NAME = "cramped"
MB = 1024**2
BODY = os.urandom(12 * MB)


@pytest.fixture(scope="module")
async def disk_of_postgres(server_directory, postgres):
    """The disk of one database's tables. The write-ahead log is elsewhere; otherwise PostgreSQL would stop."""
    with small_disk(server_directory / "disk-of-postgres", 48) as disk:
        admin = await asyncpg.connect(postgres.dsn("postgres"))
        place = disk.directory / "tables"
        place.mkdir()
        owner = (postgres.log.parent / "cluster").stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        await admin.execute(f"CREATE TABLESPACE {NAME} LOCATION '{place}'")
        await admin.execute(f"CREATE DATABASE {NAME} TABLESPACE {NAME}")
        yield disk
        await admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
        await admin.execute(f"DROP TABLESPACE {NAME}")
        await admin.close()


@pytest.fixture(scope="module")
def disk_of_s3(server_directory):
    with small_disk(server_directory / "disk-of-s3", 128) as disk:
        yield disk


@pytest.fixture(scope="module")
async def warren(server_directory, postgres, rabbitmq, disk_of_postgres, disk_of_s3):
    await rabbitmq.add_vhosts([NAME])
    async with EmbeddedS3(disk_of_s3.directory / "s3") as s3:
        bucket = S3Settings(endpoint=s3.endpoint, bucket=NAME, **asdict(s3.credentials))
        folder = server_directory / NAME
        described = stack(folder, postgres.dsn(NAME), rabbitmq.vhost_url(NAME), bucket)
        async with running(described) as warren:
            yield warren


async def refused(load, times):
    """Wait until clients were told so often to come again."""
    wanted = load.book.refusals.total() + times
    while load.book.refusals.total() < wanted and not load.book.errors:
        await asyncio.sleep(0.02)


async def test_writes_to_a_full_database_are_refused_and_work_again_with_room(
    warren, rabbitmq, disk_of_postgres
):
    async with loaded(warren.url) as load:
        await load.acknowledges(50)
        disk_of_postgres.fill()
        await refused(load, 50)
        async with api(warren.url) as rest:
            assert (await rest.get("experiments/get", experiment_id="0")).status == 200
        disk_of_postgres.free()
        await load.acknowledges(200)
    assert set(load.book.refusals) == {503}
    for service in ("tracking", "registry"):
        assert await messages(rabbitmq, dead_letter_queue(f"{service}.commands")) == 0


async def messages(rabbitmq, queue):
    """Count what is in a queue."""
    async with await aio_pika.connect(rabbitmq.vhost_url(NAME)) as connection:
        channel = await connection.channel()
        return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count


@pytest.mark.parametrize("known", [True, False], ids=["known length", "chunked"])
async def test_an_upload_to_a_full_storage_is_refused_and_works_again_with_room(
    warren, disk_of_s3, known
):
    async with aiohttp.ClientSession() as session:
        artifacts = await Artifacts.of_new_run(session, warren.url)
        # SeaweedFS is to fail to write, not to make a place to write to: there are only so many places.
        assert (await artifacts.put("small", b"1"))[0] == 200
        disk_of_s3.fill()
        status, answer = await artifacts.put("large", body(known=known))
        assert (status, answer["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
        assert await artifacts.list() == {"small": 1}
        async with api(warren.url) as rest:
            point = {"run_id": artifacts.run_id, **metric("m", 1, 1)}
            assert (await rest.post("runs/log-metric", point)).status == 200
        disk_of_s3.free()
        # SeaweedFS looks at its disk from time to time only.
        async with asyncio.timeout(180):
            while (await artifacts.put("large", body(known=known)))[0] != 200:
                await asyncio.sleep(0.5)
        assert await artifacts.list() == {"large": len(BODY), "small": 1}
        assert await artifacts.get("large") == (200, BODY)
        assert await artifacts.delete("large") == 200


def body(*, known):
    """Return the artifact, or a generator that does not tell how long it is."""

    async def pieces():
        for start in range(0, len(BODY), MB):
            yield BODY[start : start + MB]

    return BODY if known else pieces()
