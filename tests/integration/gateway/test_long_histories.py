"""Long histories through real servers: whole, and without a process that holds one. `make soak` reads a million points."""

import asyncio
import json
import math
import os
import random
import time

import aiohttp
import pytest

from deploy.local.embedded.progress import announce
from tests.bench.scale.memory import growth
from tests.rest import TIMESTAMP, api

POINTS = int(os.environ.get("WARREN_SOAK_POINTS", "200000"))
ALLOWED_MEGABYTES = 32
"""A history of 200,000 points is 15 MB of JSON, of which no process may hold all in several copies."""
BATCH = 1_000
WRITERS = 8


def value_of(step):
    """NaN now and then; otherwise what is written and read without loss."""
    return math.nan if step % 1_000 == 7 else random.Random(step).random() * 10 ** (step % 40 - 20)


@pytest.fixture
async def rest(stack_warren):
    async with api(stack_warren.url) as opened:
        yield opened


async def logged_run(rest, name, points):
    run_id = await rest.new_run(await rest.new_experiment(name))

    async def write(first):
        for start in range(first, points, BATCH * WRITERS):
            metrics = [
                {"key": "m", "value": value_of(step), "step": step, "timestamp": TIMESTAMP + step}
                for step in range(start, min(start + BATCH, points))
            ]
            body = json.dumps({"run_id": run_id, "metrics": metrics}).replace("NaN", '"NaN"')
            headers = {"Content-Type": "application/json"}
            async with rest.session.post("runs/log-batch", data=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()

    await asyncio.gather(*(write(number * BATCH) for number in range(WRITERS)))
    return run_id


async def read(rest, run_id, **query):
    query = {"run_id": run_id, "metric_key": "m", **query}
    async with rest.session.get("metrics/get-history", params=query) as answer:
        assert answer.status == 200
        return await answer.read()


def processes_of(warren):
    names = ("gateway", "tracking")
    return {pid: name for name in names for pid in warren.pids(name)}


@pytest.mark.timeout(3600)
async def test_whole_history_takes_constant_memory(rest, stack_warren):
    # What a first long answer loads and allocates is not growth.
    await read(rest, await logged_run(rest, "warm history", 60_000))
    run_id = await logged_run(rest, "long history", POINTS)
    with growth(lambda: processes_of(stack_warren)) as grown:
        began = time.monotonic()
        body = await read(rest, run_id)
        seconds = time.monotonic() - began
    announce(f"{POINTS / seconds:,.0f} points/s; grown by MB: {grown}")
    found = json.loads(body)
    assert list(found) == ["metrics"]
    assert len(found["metrics"]) == POINTS
    for step, point in enumerate(found["metrics"]):
        value = value_of(step)
        expected = "NaN" if math.isnan(value) else value
        assert point == {
            "key": "m", "value": expected, "timestamp": TIMESTAMP + step, "step": step
        }  # fmt: skip
    assert max(grown.values()) < ALLOWED_MEGABYTES, grown
    # A page that is as long as that is no different.
    page = json.loads(await read(rest, run_id, max_results=str(POINTS - 1)))
    assert page["metrics"] == found["metrics"][:-1]
    last = json.loads(await read(rest, run_id, max_results="9", page_token=page["next_page_token"]))
    assert last == {"metrics": found["metrics"][-1:]}


async def test_reader_who_rests_is_waited_for(rest, stack_warren):
    run_id = await logged_run(rest, "resting reader", 150_000)
    query = {"run_id": run_id, "metric_key": "m"}
    with growth(lambda: processes_of(stack_warren)) as grown:
        async with rest.session.get("metrics/get-history", params=query) as answer:
            beginning = await answer.content.readexactly(10_000)
            await asyncio.sleep(1)
            body = beginning + await answer.read()
    assert len(json.loads(body)["metrics"]) == 150_000
    assert max(grown.values()) < ALLOWED_MEGABYTES, grown


async def test_history_whose_run_is_unknown_is_empty_and_a_bad_page_is_refused(rest):
    assert json.loads(await read(rest, "0" * 32)) == {"metrics": []}
    query = {"run_id": "0" * 32, "metric_key": "m", "page_token": "x"}
    assert (await rest.get("metrics/get-history", **query)).status == 400


async def test_end_of_all_workers_breaks_the_answer_off(rest, stack_warren):
    """The next part comes from another worker; without any, what the client has got is no valid JSON."""
    run_id = await logged_run(rest, "broken history", 150_000)
    query = {"run_id": run_id, "metric_key": "m"}
    async with rest.session.get("metrics/get-history", params=query) as answer:
        await answer.content.readexactly(10_000)
        await stack_warren.kill_one("tracking")
        body = None
        try:
            body = await answer.read()
        except aiohttp.ClientError:
            return
    assert body is not None
    assert body.endswith(b"]}")
