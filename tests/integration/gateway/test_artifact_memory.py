"""The gateway's memory while artifacts pass through it. `make soak` does the same with 1 GiB each."""

import asyncio
import os
import time

import aiohttp
import pytest

from deploy.local.embedded.progress import announce
from tests.integration.gateway.artifacts_api import Artifacts
from tests.processes import MemoryWatch

MB = 1024**2
SIZE = int(os.environ.get("WARREN_SOAK_MEGABYTES", "96")) * MB
SIMULTANEOUS = 4
ALLOWED_MEGABYTES = 64
CHUNK = os.urandom(MB)
SOAK = "WARREN_SOAK_MEGABYTES" in os.environ


@pytest.fixture
async def artifacts(stack_warren):
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        made = await Artifacts.of_new_run(session, stack_warren.url)
        # What a first transfer loads and opens is not growth.
        await made.put("warm", b"x" * MB)
        await made.get("warm")
        yield made


@pytest.fixture
def gateway(stack_warren):
    [pid] = stack_warren.pids("gateway")
    return pid


async def upload(artifacts, name, *, known=True):
    async def body():
        for _ in range(SIZE // MB):
            yield CHUNK

    headers = {"Content-Length": str(SIZE)} if known else {}
    target = f"{artifacts.url}/{name}"
    async with artifacts.session.put(target, data=body(), headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def download(artifacts, name):
    """Return the seconds until the first byte, and until the last."""
    began, first, size = time.monotonic(), 0.0, 0
    async with artifacts.session.get(f"{artifacts.url}/{name}") as answer:
        assert answer.status == 200
        async for chunk in answer.content.iter_any():
            first = first or time.monotonic() - began
            size += len(chunk)
    assert size == SIZE
    return first, time.monotonic() - began


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("known", [True, False], ids=["known length", "chunked"])
async def test_uploads_and_downloads_side_by_side_take_constant_memory(artifacts, gateway, known):
    names = [f"large-{number}" for number in range(SIMULTANEOUS)]
    async with MemoryWatch(gateway) as uploading:
        await asyncio.gather(*(upload(artifacts, name, known=known) for name in names))
    async with MemoryWatch(gateway) as downloading:
        await asyncio.gather(*(download(artifacts, name) for name in names))
    await artifacts.delete("")
    assert uploading.growth < ALLOWED_MEGABYTES
    assert downloading.growth < ALLOWED_MEGABYTES


async def test_reader_who_rests_is_waited_for(artifacts, gateway):
    await upload(artifacts, "large")
    async with (
        MemoryWatch(gateway) as watch,
        artifacts.session.get(f"{artifacts.url}/large") as answer,
    ):
        await answer.content.readexactly(10_000)
        await asyncio.sleep(2)
    assert watch.growth < 16
    await artifacts.delete("")


@pytest.mark.skipif(not SOAK, reason="only a long download has a beginning that can be measured")
async def test_first_byte_comes_in_the_first_twentieth_of_the_time(artifacts):
    await upload(artifacts, "large")
    first, last = await download(artifacts, "large")
    announce(f"first byte after {first:.3f} s of {last:.2f} s")
    assert first < last / 20
    await artifacts.delete("")
