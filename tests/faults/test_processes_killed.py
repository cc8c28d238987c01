"""`kill -9` and rolling restarts of Warren's own processes under load."""

import asyncio
import os
import random
import signal
import time

import pytest

from tests.faults.load import loaded

SECONDS = float(os.environ.get("WARREN_CHAOS_SECONDS", "10"))
"""How long processes are killed at random; minutes in `make chaos`."""


async def test_killed_workers_lose_and_double_nothing_and_no_client_notices(site):
    async with loaded(site.url, patient=False) as load:
        for _ in range(2):
            await load.acknowledges(300)
            await asyncio.gather(*map(site.warren.kill_one, ("tracking", "registry")))
        await load.acknowledges(300)
    assert load.book.refusals == {}


async def test_a_rolling_restart_of_every_service_fails_no_request(site):
    """A client may find its idle connection closed, and opens another, as every HTTP client does."""
    async with loaded(site.url, patient=False) as load:
        for index in range(2):
            await load.acknowledges(200)
            await asyncio.gather(
                *(site.warren.end_one(service, signal.SIGTERM, index) for service in site.services)
            )
            await site.warren.all_ready()
        await load.acknowledges(200)
    assert all(isinstance(refusal, str) for refusal in load.book.refusals), load.book.refusals


@pytest.mark.timeout(SECONDS + 300)
async def test_random_kills_of_random_processes_lose_and_double_nothing(site):
    end = time.monotonic() + SECONDS
    async with loaded(site.url) as load:
        while time.monotonic() < end:
            service = random.choice(site.services)
            await site.warren.end_one(service, signal.SIGKILL, random.randrange(2))
            await load.acknowledges(50)
            await asyncio.sleep(random.uniform(0, 3))
        await site.warren.all_ready()
