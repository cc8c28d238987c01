"""`kill -9` of the S3 server in the middle of transfers: the client gets an error, retries, ends well.

No partial artifact is ever listed, and tracking does not notice.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.gateway.artifacts_api import Artifacts
from tests.rest import api, metric

MB = 1024**2
SIZE = 200 * MB
CHUNK = os.urandom(MB)
DIGEST = hashlib.sha256(CHUNK * (SIZE // MB)).hexdigest()


@pytest.fixture
async def artifacts(site) -> AsyncIterator[Artifacts]:
    timeout = aiohttp.ClientTimeout(total=90)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield await Artifacts.of_new_run(session, site.url)


async def until(attempt):
    """Do what a client does that retries: the same again, until it is accepted."""
    async with asyncio.timeout(60):
        while True:
            try:
                if (result := await attempt()) is not None:
                    return result
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.3)


async def upload(artifacts: Artifacts, middle=lambda: None, *, known: bool = True):
    """Upload the large file, and do something in the middle; None unless it was accepted."""

    async def body():
        for number in range(SIZE // MB):
            if number == SIZE // MB // 2:
                middle()
            yield CHUNK

    headers = {"Content-Length": str(SIZE)} if known else {}
    async with artifacts.session.put(
        f"{artifacts.url}/large", data=body(), headers=headers
    ) as answer:
        if answer.status == 200:
            return True
        assert answer.status == 503, await answer.text()
        assert "Retry-After" in answer.headers
        return None


async def store_old(artifacts: Artifacts):
    """Store what a replacement must not harm; None while the storage is away."""
    status, _ = await artifacts.put("large", b"old")
    return True if status == 200 else None


async def download(artifacts: Artifacts, middle=lambda: None):
    """Download the large file; None unless it came whole."""
    digest, size = hashlib.sha256(), 0
    async with artifacts.session.get(f"{artifacts.url}/large") as answer:
        if answer.status != 200:
            assert answer.status == 503, await answer.text()
            return None
        async for chunk in answer.content.iter_any():
            digest.update(chunk)
            if size < SIZE // 4 <= size + len(chunk):
                middle()
            size += len(chunk)
    return digest.hexdigest()


async def listed(artifacts: Artifacts):
    """List the run; None while the storage is away."""
    query = {"path": artifacts.root}
    async with artifacts.session.get(f"{artifacts.proxy}/artifacts", params=query) as answer:
        if answer.status == 503:
            return None
        assert answer.status == 200, await answer.text()
        return {f["path"]: f.get("file_size") for f in (await answer.json())["files"]}


@pytest.mark.parametrize("known", [True, False], ids=["known length", "chunked"])
async def test_storage_killed_in_the_middle_of_an_upload(site, artifacts, known):
    try:
        first = await upload(artifacts, site.crash_storage, known=known)
    except aiohttp.ClientError:
        first = None
    assert first is None
    assert await until(lambda: listed(artifacts)) == {}
    assert await until(lambda: upload(artifacts, known=known))
    assert await until(lambda: listed(artifacts)) == {"large": SIZE}
    assert await until(lambda: download(artifacts)) == DIGEST


async def test_storage_killed_in_the_middle_of_a_replacement_keeps_the_old(site, artifacts):
    assert await until(lambda: store_old(artifacts))
    try:
        first = await upload(artifacts, site.crash_storage)
    except aiohttp.ClientError:
        first = None
    assert first is None
    assert await until(lambda: listed(artifacts)) == {"large": 3}

    async def read():
        status, body = await artifacts.get("large")
        return None if status == 503 else body

    assert await until(read) == b"old"


async def test_storage_killed_in_the_middle_of_a_download(site, artifacts):
    assert await until(lambda: upload(artifacts))
    with pytest.raises(aiohttp.ClientError):
        await download(artifacts, site.crash_storage)
    assert await until(lambda: download(artifacts)) == DIGEST


async def test_tracking_goes_on_while_the_storage_is_away(site, artifacts):
    async with api(site.url) as rest:
        stopped = asyncio.Event()
        statuses = []

        async def log():
            step = 0
            while not stopped.is_set():
                step += 1
                body = {"run_id": artifacts.run_id, **metric("m", step, step)}
                statuses.append((await rest.post("runs/log-metric", body)).status)

        logging = asyncio.create_task(log())
        site.crash_storage()
        await until(lambda: listed(artifacts))
        stopped.set()
        await logging
        assert len(statuses) > 20
        assert set(statuses) == {200}
