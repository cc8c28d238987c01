"""`python -m deploy.local.stack` as a user runs it. What faults do to clients is shown in tests/faults."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from deploy.local.embedded.process import free_ports
from deploy.services import POSTGRES_SERVICES, SERVICES
from tests.processes import alive, open_to_others

ROOT = Path(__file__).parents[3]
TOKEN = "glpat-0123456789abcdefghij"
EXPERIMENT = "/api/2.0/mlflow/experiments/get?experiment_id=0"

STARTED = {"started": True, "accepting": True, "bus": True}
READY = {
    "gateway": STARTED,
    "artifacts": STARTED | {"storage": True},
    **dict.fromkeys(POSTGRES_SERVICES, STARTED | {"database": True}),
}


@contextmanager
def stack(data, *options, **variables):
    """Run the stack; give what it recorded of itself; end it gently."""
    [port] = free_ports(1)
    command = (sys.executable, "-m", "deploy.local.stack", "--port", str(port), "--data", str(data))
    environment = {key: value for key, value in os.environ.items() if "WARREN" not in key}
    with subprocess.Popen(
        (*command, *options),
        cwd=ROOT,
        env=environment | variables,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith(f"Warren is ready: http://127.0.0.1:{port}")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def record(data):
    return json.loads((data / "stack.json").read_text())


def all_pids(data):
    return [pid for pids in record(data)["processes"].values() for pid in pids]


async def eventually(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    assert condition()


async def status(url, headers=None):
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(url + EXPERIMENT, headers=headers) as response,
        ):
            return response.status
    except aiohttp.ClientError:
        return None


async def probe(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.json()


async def until_served(url, seconds=60):
    deadline = time.monotonic() + seconds
    while (code := await status(url)) != 200 and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    assert code == 200


@pytest.fixture
def given(amqp_vhost_url, database_dsn, s3):
    """Name servers that run already, as an operator would."""
    return {
        "WARREN_AMQP_URL": amqp_vhost_url,
        **{f"WARREN_{name.upper()}_DSN": database_dsn for name in POSTGRES_SERVICES},
        "WARREN_S3_ENDPOINT": s3.endpoint,
        "WARREN_S3_ACCESS_KEY": s3.credentials.access_key,
        "WARREN_S3_SECRET_KEY": s3.credentials.secret_key,
    }


async def test_given_servers_are_used_and_none_is_started(open_directory, given):
    with stack(open_directory, "--gateway", "2", "--tracking", "2", **given):
        content = record(open_directory)
        counts = {name: len(pids) for name, pids in content["processes"].items()}
        assert counts == {**dict.fromkeys(SERVICES, 1), "tracking": 2, "gateway": 2}
        assert (open_directory / "stack.json").stat().st_mode & 0o777 == 0o600
        assert await status(content["url"]) == 200
        for name, monitors in content["monitors"].items():
            assert len(monitors) == counts[name]
            for monitor in monitors:
                assert (await probe(f"{monitor}/health/ready"))["checks"] == READY[name]


async def test_a_killed_service_comes_back(open_directory, given):
    with stack(open_directory, **given):
        content = record(open_directory)
        [before] = content["processes"]["tracking"]
        os.kill(before, signal.SIGKILL)
        await eventually(lambda: record(open_directory)["processes"]["tracking"] != [before])
        await until_served(content["url"])


def secrets(given):
    addresses = [given["WARREN_AMQP_URL"], given["WARREN_TRACKING_DSN"]]
    passwords = [urlsplit(address).password for address in addresses]
    return [*passwords, given["WARREN_S3_SECRET_KEY"], TOKEN]


async def test_sigterm_leaves_no_process_no_record_and_no_secret(open_directory, given):
    with stack(open_directory, WARREN_LOG_LEVEL="debug", **given) as process:
        pids = all_pids(open_directory)
        headers = {"Authorization": f"Bearer {TOKEN}", "PRIVATE-TOKEN": TOKEN}
        await status(record(open_directory)["url"], headers)
    assert process.returncode == 0
    assert not any(alive(pid) for pid in pids)
    assert not (open_directory / "stack.json").exists()
    logs = [log.read_text() for log in (open_directory / "log").iterdir()]
    assert len(logs) >= 4
    for secret in secrets(given):
        assert len(secret) > 3
        assert not any(secret in log for log in logs)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the death of a parent")
async def test_a_killed_stack_has_closed_its_files_and_leaves_no_process(open_directory):
    with stack(open_directory) as process:
        pids = all_pids(open_directory)
        assert not open_to_others(open_directory)
        process.kill()
        process.wait()
        await eventually(lambda: not any(alive(pid) for pid in pids))


async def test_killed_servers_come_back_at_the_same_address(open_directory):
    with stack(open_directory):
        content = record(open_directory)
        # The first requests come while the queues are a second old; see EmbeddedRabbitMQ.
        await asyncio.sleep(1.5)
        for name in ("postgres", "rabbitmq", "s3"):
            [before] = record(open_directory)["processes"][name]
            os.killpg(before, signal.SIGKILL)
            await eventually(lambda: record(open_directory)["processes"].get(name) != [before])  # noqa: B023
            await until_served(content["url"])
        assert record(open_directory)["amqp_url"] == content["amqp_url"]


async def test_a_taken_port_is_named(open_directory, given):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            (sys.executable, "-m", "deploy.local.stack", "--port", str(port)),
            cwd=ROOT,
            env=os.environ | given | {"WARREN_DATA": str(open_directory)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode != 0
    assert f"127.0.0.1:{port} is in use" in result.stderr
    assert "Traceback" not in result.stderr
