"""A service's process while its broker is away."""

import os
import signal
import subprocess
import sys
import time

import pytest
from aiohttp import ClientError, ClientSession

from deploy.local.embedded.process import free_ports


@pytest.fixture
def ports():
    return free_ports(2)


@pytest.fixture
def service(ports):
    closed, monitor = ports
    environment = {key: value for key, value in os.environ.items() if "WARREN" not in key} | {
        "WARREN_AMQP_URL": f"amqp://guest:guest@127.0.0.1:{closed}/",
        "WARREN_S3_ENDPOINT": f"http://127.0.0.1:{closed}",
        "WARREN_S3_ACCESS_KEY": "key",
        "WARREN_S3_SECRET_KEY": "secret-key",
        "WARREN_MONITOR_PORT": str(monitor),
    }
    with subprocess.Popen((sys.executable, "-m", "services.artifacts"), env=environment) as process:
        yield process
        process.kill()


async def first_answer(url, seconds=60):
    deadline = time.monotonic() + seconds
    async with ClientSession() as session:
        while True:
            try:
                return (await session.get(url)).status
            except ClientError:
                assert time.monotonic() < deadline


async def test_service_without_a_broker_is_alive_not_ready_and_leaves_when_told(service, ports):
    url = f"http://127.0.0.1:{ports[1]}"
    assert await first_answer(f"{url}/health/live") == 200
    assert await first_answer(f"{url}/health/ready") == 503
    service.send_signal(signal.SIGTERM)
    assert service.wait(30) == 0
