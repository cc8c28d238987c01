"""The same contents for each peer, written through its own API before the load."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from tests.bench.operations import HISTORY_POINTS, SEARCHED_RUNS, WRITTEN_RUNS
from tests.bench.peers import Peer

_TIMESTAMP = 1_760_000_000_000
_BATCH = 500


async def prepare(peer: Peer) -> None:
    """Make the runs that are written to, runs with a long history, and an experiment to be searched."""
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(f"{peer.url}/api/2.0/mlflow/", timeout=timeout) as session:
        written = await _call(session, "experiments/create", {"name": "written"})
        searched = await _call(session, "experiments/create", {"name": "searched"})
        peer.written_experiment = written["experiment_id"]
        peer.searched_experiment = searched["experiment_id"]

        async def make(number: int) -> str:
            return await _create_run(session, peer.written_experiment, number)

        async def search(number: int) -> str:
            return await _searched_run(session, peer.searched_experiment, number)

        peer.runs = await _side_by_side(make, WRITTEN_RUNS)
        peer.history_runs = peer.runs[:4]
        for run in peer.history_runs:
            await _history(session, run)
        await _side_by_side(search, SEARCHED_RUNS)


async def _side_by_side(make: Callable[[int], Awaitable[str]], count: int) -> list[str]:
    """Do `count` things, four at a time."""
    gate = asyncio.Semaphore(4)

    async def one(number: int) -> str:
        async with gate:
            return await make(number)

    return await asyncio.gather(*(one(number) for number in range(count)))


async def _create_run(session: aiohttp.ClientSession, experiment: str, number: int) -> str:
    body = {
        "experiment_id": experiment,
        "start_time": _TIMESTAMP + number,
        "run_name": f"run-{number}",
    }
    created = await _call(session, "runs/create", body)
    run_id: str = created["run"]["info"]["run_id"]
    return run_id


async def _searched_run(session: aiohttp.ClientSession, experiment: str, number: int) -> str:
    run = await _create_run(session, experiment, number)
    metrics = [_metric("loss", float(number), 0), _metric("accuracy", number / SEARCHED_RUNS, 0)]
    params = [{"key": "depth", "value": str(number % 5)}, {"key": "rate", "value": "0.01"}]
    await _call(session, "runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})
    return run


async def _history(session: aiohttp.ClientSession, run: str) -> None:
    points = [_metric("history", step / 3, step) for step in range(HISTORY_POINTS)]
    for first in range(0, HISTORY_POINTS, _BATCH):
        await _call(
            session, "runs/log-batch", {"run_id": run, "metrics": points[first : first + _BATCH]}
        )


def _metric(key: str, value: float, step: int) -> dict[str, Any]:
    return {"key": key, "value": value, "step": step, "timestamp": _TIMESTAMP + step}


async def _call(session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with session.post(path, json=body) as response:
        if response.status != 200:
            message = f"{response.url} answered {response.status}: {await response.text()}"
            raise RuntimeError(message)
        answer: dict[str, Any] = await response.json(content_type=None)
        return answer
