"""Runs are folded while they are written to, and the folding processes and PostgreSQL are killed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from services.tracking import folding
from services.tracking.folding import Pace
from services.tracking.store.compression import unpacked
from tests.integration.tracking.conftest import PROJECT, Tracking
from tests.service_pools import Pool, service_pool

SECONDS = float(os.environ.get("WARREN_CHAOS_SECONDS", "6"))
"""How long runs are written to; minutes in `make chaos`."""

EAGER = Pace(interval=0.01, quiet=0.01, retry=0.0, share=1.0)
FOLDING = """
import asyncio, sys
from services.tracking.folding import Pace, fold_forever
from shared.postgres.pool import open_pool

async def main():
    pool = await open_pool(sys.argv[1], schema="tracking", size=2, application_name="folding")
    await fold_forever(pool, Pace(interval=0.01, quiet=0.01, retry=0.0, share=1.0))

asyncio.run(main())
"""
LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError)


@pytest.fixture
async def server(server_directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of this test's own: it is killed."""
    async with EmbeddedPostgres(server_directory / "folding", fsync=False) as server:
        yield server


class Writer:
    """Writes to a run of its own, and expects to read at once what it has written.

    Each write may be repeated: its connection may be lost after the commit.
    """

    def __init__(self, tracking: Tracking, seed: int) -> None:
        self._tracking = tracking
        self._random = Random(seed)
        self._run_id = ""
        self._logged: dict[str, dict[str, Any]] = {"metrics": {}, "params": {}, "tags": {}}
        self.reads = 0

    async def work(self, stop: asyncio.Event) -> None:
        """Write and read until stopped; delete and purge the run now and then."""
        step = 0
        while not stop.is_set():
            if not self._run_id or self._random.random() < 0.03:
                await self._begin_anew()
            step += 1
            await self._write(step)
            await self._check()
            await asyncio.sleep(self._random.choice((0, 0, 0.05)))

    async def _begin_anew(self) -> None:
        if self._run_id:
            await self._patiently("DeleteRun", run_id=self._run_id)
            if self._random.random() < 0.3:
                await self._patiently("RestoreRun", run_id=self._run_id)
                return
            # It says so when nothing is left to do; more runs may be purged by others meanwhile.
            for _ in range(4):
                await self._patiently("PurgeDeleted", run_ids=[self._run_id])
        run = (await self._patiently("CreateRun", experiment_id="0", run_name="new"))["run"]
        self._run_id = run["info"]["run_id"]
        self._logged = {"metrics": {}, "params": {}, "tags": {"mlflow.runName": "new"}}

    async def _write(self, step: int) -> None:
        metric: dict[str, Any] = {
            "key": self._random.choice("abc"),
            "value": float(step),
            "timestamp": step,
            "step": step,
        }
        param, text = {"key": f"p{step % 7}-{step}", "value": str(step)}, str(step)
        tag = {"key": self._random.choice("abc"), "value": text}
        metrics, params, tags = self._logged.values()
        kind = self._random.randrange(7)
        if kind == 0:
            await self._patiently("LogMetric", run_id=self._run_id, **metric)
        elif kind == 1:
            await self._patiently("LogParam", run_id=self._run_id, **param)
        elif kind == 2:
            await self._patiently("SetTag", run_id=self._run_id, **tag)
        elif kind == 3:
            await self._patiently("UpdateRun", run_id=self._run_id, run_name=text)
            tag = {"key": "mlflow.runName", "value": text}
        elif kind == 4:
            await self._patiently(
                "LogOutputs", run_id=self._run_id, models=[{"model_id": "m", "step": step}]
            )
        elif kind == 5:
            # The experiment's lifecycle concerns its runs, folded or not; its runs stay as they are.
            await self._patiently(
                "UpdateRun", run_id=self._run_id, status="FINISHED", end_time=step
            )
        else:
            batch = {"metrics": [metric], "params": [param], "tags": [tag]}
            await self._patiently("LogBatch", run_id=self._run_id, **batch)
        if kind in {0, 6}:
            metrics[metric["key"]] = metric["value"]
        if kind in {1, 6}:
            params[param["key"]] = param["value"]
        if kind in {2, 3, 6}:
            tags[tag["key"]] = tag["value"]

    async def _check(self) -> None:
        run = (await self._patiently("GetRun", run_id=self._run_id))["run"]
        for kind, expected in self._logged.items():
            found = {item["key"]: item["value"] for item in run["data"].get(kind, [])}
            assert found == expected
        for kind, values in self._logged.items():
            if values:
                key, value = self._random.choice(list(values.items()))
                quoted = value if kind == "metrics" else f"'{value}'"
                query = {"experiment_ids": ["0"], "filter": f"{kind}.`{key}` = {quoted}"}
                order = self._random.choice(([], [f"{kind}.`{key}` DESC"]))
                page = await self._patiently("SearchRuns", order_by=order, **query)
                runs = [each["info"]["run_id"] for each in page.get("runs", [])]
                assert runs.count(self._run_id) == 1, (query, order)
                self.reads += 1

    async def _patiently(self, name: str, /, **fields: Any) -> Any:
        while True:
            try:
                return await self._tracking.call(name, **fields)
            except CONFLICTS:
                pass
            except LOST:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def _folding(dsn: str) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Two processes that fold; a test that kills one starts it again."""
    processes = [await _start(dsn) for _ in range(2)]
    try:
        yield processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _start(dsn: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", FOLDING, dsn)


async def _harass(
    server: EmbeddedPostgres, pool: Pool, processes: list[asyncio.subprocess.Process]
) -> None:
    """Kill and restart, by turns, the folding processes and PostgreSQL."""
    for turn in range(3):
        await _goes_on(pool)
        await asyncio.sleep(SECONDS / 4)
        index = turn % 2
        processes[index].kill()
        await processes[index].wait()
        if turn == 1:
            await server.kill()
            await server.start()
        processes[index] = await _start(server.dsn("postgres"))
    await _goes_on(pool)
    await asyncio.sleep(SECONDS / 4)


async def _goes_on(pool: Pool) -> None:
    """Wait until some attempt to fold begins."""
    newest = "SELECT max(fold_attempt) FROM runs"
    before: int | None = None
    while True:
        with suppress(*LOST):
            now = await pool.fetchval(newest) or 0
            if before is not None and now > before:
                return
            before = now if before is None else before
        await asyncio.sleep(0.05)


async def _check_marks(pool: Pool) -> None:
    """The runs that are not folded are known, and the documents of the others are true."""
    assert not await pool.fetch(
        "SELECT * FROM unfolded_runs FULL JOIN runs USING (project_id, experiment_id, run_id)"
        " WHERE folded IS DISTINCT FROM (unfolded_runs.run_id IS NULL)"
    )
    for row in await pool.fetch(
        "SELECT document, members FROM runs JOIN run_data USING (project_id, run_id)"
        " LEFT JOIN run_documents USING (project_id, run_id) WHERE folded"
    ):
        assert unpacked(row["document"]).decode() == row["members"]


async def _check_metrics(pool: Pool) -> None:
    """Of runs that are all folded, the newest metrics are stored, and no others."""
    newest = "SELECT run_id, key, value FROM newest_metrics"
    latest = "SELECT run_id, key, value FROM latest_metrics JOIN runs USING (project_id, run_id)"
    for one, other in ((newest, latest), (latest, newest)):
        assert not await pool.fetch(f"{one} EXCEPT ALL {other}")
    assert not await pool.fetch(
        "SELECT * FROM run_documents WHERE run_id NOT IN (SELECT run_id FROM runs)"
    )


@pytest.mark.timeout(SECONDS + 300)
async def test_every_write_is_read_at_once_whatever_is_killed(server: EmbeddedPostgres) -> None:
    async with service_pool(server.dsn("postgres"), "tracking") as pool:
        tracking = Tracking(pool)
        writers = [Writer(tracking, seed) for seed in range(4)]
        stop = asyncio.Event()
        async with _folding(server.dsn("postgres")) as processes, asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(writer.work(stop))
            await _harass(server, pool, processes)
            stop.set()
        assert all(writer.reads for writer in writers)
        await _check_marks(pool)
        while await pool.fetchval("SELECT count(*) FROM unfolded_runs"):
            await folding.fold_round(pool, EAGER)
        await _check_marks(pool)
        await _check_metrics(pool)
        assert PROJECT in {row[0] for row in await pool.fetch("SELECT project_id FROM runs")}
