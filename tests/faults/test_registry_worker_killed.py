"""`kill -9` of one of two registry workers under load: no client notices, no version is lost or made twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.rest import Api, api
from tests.warren_fixtures import running_stack
from tests.web_server import WebServer

CLIENTS = 16
MODELS = ("a", "b", "c")
KILLS = 2
VERSIONS_BEFORE_EACH_KILL = 100


@pytest.fixture
async def two_workers(server_directory, postgres, rabbitmq) -> AsyncIterator[WebServer]:
    folder = server_directory / "registry-worker-killed"
    folder.mkdir(mode=0o755)
    async with running_stack(folder, postgres, rabbitmq, registry=2) as server:
        yield server


async def _create(rest: Api, number: int, made: list[tuple[str, str, str]], stop: asyncio.Event):
    """Make versions without pause; each has a source of its own."""
    step = 0
    while not stop.is_set():
        step += 1
        name = MODELS[(number + step) % len(MODELS)]
        source = f"s3://bucket/{number}/{step}"
        reply = await rest.done("model-versions/create", {"name": name, "source": source})
        made.append((name, reply["model_version"]["version"], source))


async def _count(made: list[tuple[str, str, str]], wanted: int) -> None:
    """Wait until so many versions were acknowledged, however long this machine takes for them."""
    while len(made) < wanted:
        await asyncio.sleep(0.02)


async def _stored(rest: Api, name: str) -> list[tuple[str, str, str]]:
    answer = await rest.get("model-versions/search", filter=f"name = '{name}'")
    assert answer.status == 200, answer
    return [(name, each["version"], each["source"]) for each in answer.body["model_versions"]]


@pytest.mark.timeout(180)
async def test_killed_worker_loses_and_doubles_no_version_and_leaves_no_gap(two_workers):
    async with api(two_workers.url) as rest:
        for name in MODELS:
            await rest.done("registered-models/create", {"name": name})
        made: list[tuple[str, str, str]] = []
        stop = asyncio.Event()
        clients = [asyncio.create_task(_create(rest, n, made, stop)) for n in range(CLIENTS)]
        assert len(two_workers.pids("registry")) == 2
        for _ in range(KILLS):
            await _count(made, len(made) + VERSIONS_BEFORE_EACH_KILL)
            await two_workers.kill_one("registry")
        await _count(made, len(made) + VERSIONS_BEFORE_EACH_KILL)
        stop.set()
        await asyncio.gather(*clients)

        for name in MODELS:
            stored = await _stored(rest, name)
            assert sorted(stored) == sorted(each for each in made if each[0] == name)
            numbers = sorted(int(version) for _, version, _ in stored)
            assert numbers == list(range(1, len(numbers) + 1))
