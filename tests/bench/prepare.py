"""The same contents for each peer, written through its own API before the load."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.bench.operations import HISTORY_POINTS, SEARCHED_RUNS, WRITTEN_RUNS
from tests.bench.peers import Peer
from tests.rest import TIMESTAMP, Api, api, metric

_BATCH = 500


async def prepare(peer: Peer) -> None:
    """Make runs that are written to, runs with a long history, an experiment to be searched."""
    async with api(peer.url) as rest:
        peer.written_experiment = await rest.new_experiment("written")
        peer.searched_experiment = await rest.new_experiment("searched")

        async def written(number: int) -> str:
            return await _run(rest, peer.written_experiment, number)

        async def searched(number: int) -> str:
            return await _searched_run(rest, peer.searched_experiment, number)

        peer.runs = await _side_by_side(written, WRITTEN_RUNS)
        peer.history_runs = peer.runs[:4]
        for run in peer.history_runs:
            await _history(rest, run)
        await _side_by_side(searched, SEARCHED_RUNS)


async def _side_by_side(make: Callable[[int], Awaitable[str]], count: int) -> list[str]:
    """Do `count` things, four at a time."""
    gate = asyncio.Semaphore(4)

    async def one(number: int) -> str:
        async with gate:
            return await make(number)

    return await asyncio.gather(*(one(number) for number in range(count)))


async def _run(rest: Api, experiment: str, number: int) -> str:
    return await rest.new_run(experiment, start_time=TIMESTAMP + number, run_name=f"run-{number}")


async def _searched_run(rest: Api, experiment: str, number: int) -> str:
    run = await _run(rest, experiment, number)
    metrics = [metric("loss", float(number), 0), metric("accuracy", number / SEARCHED_RUNS, 0)]
    params = [{"key": "depth", "value": str(number % 5)}, {"key": "rate", "value": "0.01"}]
    await rest.done("runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})
    return run


async def _history(rest: Api, run: str) -> None:
    points = [metric("history", step / 3, step) for step in range(HISTORY_POINTS)]
    for first in range(0, HISTORY_POINTS, _BATCH):
        batch = points[first : first + _BATCH]
        await rest.done("runs/log-batch", {"run_id": run, "metrics": batch})
