"""`kill -9` of one of two registry workers under load: no client notices, no version is lost or made twice.

Some of the models are of GitLab's dialect: a version is a run in another service, made once as well.
"""

import asyncio
from typing import Any

import pytest

from shared.projects import ROOT_PROJECT
from tests.rest import Api, api

CLIENTS = 16
MODELS = ("a", "b", "c")
OF_GITLAB = "c"
DOOR = f"/api/v4/projects/{ROOT_PROJECT}/ml/mlflow"
KILLS = 2
VERSIONS_BEFORE_EACH_KILL = 100


async def _create(
    doors: dict[str, Api], number: int, made: list[tuple[str, str, str]], stop: asyncio.Event
):
    """Make versions without pause; each has a source of its own."""
    step = 0
    while not stop.is_set():
        step += 1
        name = MODELS[(number + step) % len(MODELS)]
        source = f"s3://bucket/{number}/{step}"
        reply = await doors[name].done("model-versions/create", {"name": name, "source": source})
        made.append((name, reply["model_version"]["version"], source))


async def _count(made: list[tuple[str, str, str]], wanted: int) -> None:
    """Wait until so many versions were acknowledged, however long this machine takes for them."""
    while len(made) < wanted:
        await asyncio.sleep(0.02)


async def _stored(rest: Api, name: str) -> list[dict[str, Any]]:
    answer = await rest.get("model-versions/search", filter=f"name = '{name}'")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.body["model_versions"]
    return found


async def _runs(rest: Api, experiment: str) -> list[str]:
    answer = await rest.get("experiments/get-by-name", experiment_name=experiment)
    number = answer.body["experiment"]["experiment_id"]
    body = {"experiment_ids": [number], "max_results": 10_000}
    page = await rest.done("runs/search", body)
    return [run["info"]["run_id"] for run in page["runs"]]


@pytest.mark.timeout(180)
async def test_killed_worker_loses_and_doubles_no_version_and_leaves_no_gap(site):
    async with api(site.url) as rest, api(f"{site.url}{DOOR}") as gitlab:
        doors = {name: gitlab if name == OF_GITLAB else rest for name in MODELS}
        for name in MODELS:
            await doors[name].done("registered-models/create", {"name": name})
        made: list[tuple[str, str, str]] = []
        stop = asyncio.Event()
        clients = [asyncio.create_task(_create(doors, n, made, stop)) for n in range(CLIENTS)]
        assert len(site.warren.pids("registry")) == 2
        for _ in range(KILLS):
            await _count(made, len(made) + VERSIONS_BEFORE_EACH_KILL)
            await site.warren.kill_one("registry")
        await _count(made, len(made) + VERSIONS_BEFORE_EACH_KILL)
        stop.set()
        await asyncio.gather(*clients)

        for name in MODELS:
            stored = await _stored(doors[name], name)
            found = [(name, each["version"], each["source"]) for each in stored]
            assert sorted(found) == sorted(each for each in made if each[0] == name)
            numbers = sorted(int(each["version"]) for each in await _stored(rest, name))
            assert numbers == list(range(1, len(numbers) + 1))
        runs = await _runs(gitlab, f"[model]{OF_GITLAB}")
        versions = await _stored(gitlab, OF_GITLAB)
        assert sorted(runs) == sorted(each["run_id"] for each in versions)
        patches = sorted(int(each["aliases"][0].removeprefix("1.0.")) for each in versions)
        assert patches == list(range(len(runs)))
