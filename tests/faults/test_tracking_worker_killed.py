"""`kill -9` of one of two tracking workers under load: no client notices, nothing is lost, nothing is doubled."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.embedded.postgres import EmbeddedPostgres
from shared.embedded.rabbitmq import EmbeddedRabbitMQ
from tests.rest import Api, api, metric
from tests.warren_fixtures import running_stack
from tests.web_server import WebServer

CLIENTS = 32
RUNS = 4
BATCH = 5
POINTS_BEFORE_EACH_KILL = 500
KILLS = 2


@pytest.fixture
async def two_workers(
    server_directory: Path, postgres: EmbeddedPostgres, rabbitmq: EmbeddedRabbitMQ
) -> AsyncIterator[WebServer]:
    folder = server_directory / "worker-killed"
    folder.mkdir(mode=0o755)
    async with running_stack(folder, postgres, rabbitmq, tracking=2) as server:
        yield server


@dataclass
class Load:
    """Clients that write without pause, and what they were told."""

    experiment: str
    runs: list[str]
    points: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    errors: list[object] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def acknowledges(self, points: int) -> None:
        """Wait for so many more acknowledged points, however long this machine takes for them."""
        wanted = self._count() + points
        while self._count() < wanted and not self.errors:
            await asyncio.sleep(0.02)

    def _count(self) -> int:
        return sum(map(len, self.points.values()))

    async def client(self, rest: Api, number: int) -> None:
        """Write points at steps of this client's own; every tenth request makes a run."""
        step = number * 1_000_000
        while not self.stopping.is_set():
            step += BATCH
            run = self.runs[step % len(self.runs)]
            if step % (10 * BATCH) == 0:
                await self._create(rest, f"run-{step}")
            elif step % (2 * BATCH) == 0:
                await self._log_metric(rest, run, step)
            else:
                await self._log_batch(rest, run, step)

    async def _log_metric(self, rest: Api, run: str, step: int) -> None:
        body = {"run_id": run, **metric("single", step, step)}
        if await self._accepted(rest, "runs/log-metric", body):
            self.points.setdefault((run, "single"), []).append(step)

    async def _log_batch(self, rest: Api, run: str, step: int) -> None:
        metrics = [metric("batch", step + each, step + each) for each in range(BATCH)]
        if await self._accepted(rest, "runs/log-batch", {"run_id": run, "metrics": metrics}):
            self.points.setdefault((run, "batch"), []).extend(each["step"] for each in metrics)

    async def _create(self, rest: Api, name: str) -> None:
        body = {"experiment_id": self.experiment, "run_name": name}
        if await self._accepted(rest, "runs/create", body):
            self.created.append(name)

    async def _accepted(self, rest: Api, path: str, body: object) -> bool:
        answer = await rest.post(path, body)
        if answer.status != 200:
            self.errors.append((path, answer))
        return answer.status == 200


async def _run_names(rest: Api, experiment: str) -> list[str]:
    names: list[str] = []
    token = ""
    while True:
        page = await rest.done(
            "runs/search",
            {"experiment_ids": [experiment], "max_results": 5000, "page_token": token},
        )
        names += [run["info"]["run_name"] for run in page.get("runs", [])]
        token = page.get("next_page_token", "")
        if not token:
            return names


@pytest.mark.timeout(180)
async def test_killed_worker_loses_and_doubles_nothing_and_no_client_sees_an_error(
    two_workers: WebServer,
) -> None:
    async with api(two_workers.url) as rest:
        runs = [await rest.new_run("0") for _ in range(RUNS)]
        load = Load(experiment=await rest.new_experiment("created"), runs=runs)
        clients = [asyncio.create_task(load.client(rest, number)) for number in range(CLIENTS)]
        assert len(two_workers.pids("tracking")) == 2
        for _ in range(KILLS):
            await load.acknowledges(POINTS_BEFORE_EACH_KILL)
            await two_workers.kill_one("tracking")
        await load.acknowledges(POINTS_BEFORE_EACH_KILL)
        load.stopping.set()
        await asyncio.gather(*clients)

        assert load.errors == []
        for (run, key), acknowledged in load.points.items():
            stored = Counter(point["step"] for point in await rest.history(run, key))
            assert stored == Counter(acknowledged)
        created = Counter(await _run_names(rest, load.experiment))
        assert created == Counter(load.created)
