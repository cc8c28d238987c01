"""The clock of a process is set an hour ahead, then back: nothing is lost, doubled, or forgotten early."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.embedded.process import ChildProcess, Program, free_ports
from tests.faults.load import loaded
from tests.faults.settable_clock import SettableClock
from tests.integration.gateway.artifacts_api import Artifacts
from tests.rest import api
from tests.web_server import ROOT, variables_of

HOUR = 3600


@pytest.fixture
def clock(tmp_path):
    return SettableClock(tmp_path / "clock")


@asynccontextmanager
async def running(site, clock, service):
    """Run one more process of a service, by the clock; give its HTTP address, and that for operators."""
    [port, monitor] = free_ports(2)
    recorded = site.warren.recorded()
    settings = {
        "WARREN_AMQP_URL": recorded["amqp_url"],
        "WARREN_TRACKING_DSN": recorded["dsns"]["tracking"],
        "WARREN_REGISTRY_DSN": recorded["dsns"]["registry"],
        **variables_of(site.storage),
        "WARREN_PORT": str(port),
        "WARREN_MONITOR_PORT": str(monitor),
    }
    program = Program(
        name=service,
        arguments=(sys.executable, "-m", f"services.{service}"),
        environment={**os.environ, **settings, **clock.environment},
        directory=ROOT,
        log=site.warren.data.with_name(f"{service}-by-a-clock.log"),
    )
    process = ChildProcess(program)
    await process.start()
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while not await ready(session, f"http://127.0.0.1:{monitor}/health/ready"):
                assert process.running, process.describe_failure()
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}", f"http://127.0.0.1:{monitor}"
    finally:
        await process.stop()


async def ready(session, url):
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def waits(monitor):
    """Return how long frames waited, all together and by the clock of the process."""
    async with aiohttp.ClientSession() as session, session.get(f"{monitor}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "warren_queue_wait_seconds_sum"
    )


async def test_workers_whose_clocks_are_set_go_on_and_no_client_notices(site, clock):
    async with running(site, clock, "tracking") as (_, monitor), running(site, clock, "registry"):
        async with loaded(site.url, patient=False) as load:
            for ahead in (0, HOUR, -HOUR, 0):
                clock.set(ahead)
                await load.acknowledges(200)
        assert load.book.refusals == {}
        assert await waits(monitor) > HOUR, "no frame came to it while it was ahead"


async def test_a_gateway_whose_clock_is_set_loses_and_doubles_nothing(site, clock):
    """While it is behind the services take its requests for old, refuse them, and do nothing."""
    async with running(site, clock, "gateway") as (url, _), loaded(url) as load:
        clock.set(HOUR)
        await load.acknowledges(200)
        async with api(url) as rest, rest.session.get("experiments/get?experiment_id=0") as answer:
            told = parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)
        assert told.total_seconds() > HOUR - 10
        assert load.book.refusals == {}
        clock.set(-HOUR)
        while load.book.refusals.total() < 50:
            await asyncio.sleep(0.02)
        clock.set(0)
        await load.acknowledges(200)
        assert set(load.book.refusals) == {429}


async def test_artifacts_signed_by_a_clock_that_is_set_are_refused_until_it_is_right(site, clock):
    """S3 refuses a signature of an hour ago; no client sees half an artifact."""
    async with running(site, clock, "artifacts"), aiohttp.ClientSession() as session:
        artifacts = await Artifacts.of_new_run(session, site.url)
        stored = {}

        async def upload():
            name = f"file-{len(stored)}"
            status, _ = await artifacts.put(name, name.encode())
            if status == 200:
                stored[name] = len(name)
            return status

        clock.set(-HOUR)
        async with asyncio.timeout(30):
            while (status := await upload()) == 200:
                pass
        assert status == 503
        clock.set(0)
        assert [await upload() for _ in range(30)] == [200] * 30
        assert await artifacts.list() == stored
        for name in stored:
            assert await artifacts.get(name) == (200, name.encode())
