"""The traces service stands still while spans come in faster than anything takes them.

Senders are told to come again, memory stays bounded, and training runs notice nothing.
"""

import asyncio
import os
import random
import signal
import statistics
import time
from typing import Any

import asyncpg
import pytest

from tests.faults.conftest import NAME
from tests.faults.memory import check_memory
from tests.rest import Api, api
from tests.unit.gateway.otlp.requests import PROTOBUF, a_span, body_of

CLIENTS = 40
SPANS = 64
TEXT = "x" * 64_000
"""A request has 4 MB. So the clients bring 160 MB, and each of two gateways keeps 64 MB for a service."""

POINTS = 40
SECONDS_OF_A_POINT = 2.0
GATEWAY_MEGABYTES = 600
"""The bodies of the requests, 80 MB on each of two gateways, are there beside the commands that wait."""


async def _export(rest: Api, url: str, headers: dict[str, str], refusals: list[int]) -> bytes:
    """Send a trace until it is stored, and return its id."""
    trace_id = random.randbytes(16)
    spans = [a_span(number, TEXT, trace_id=trace_id) for number in range(1, SPANS + 1)]
    body = body_of(*spans)
    while True:
        async with rest.session.post(url, data=body, headers=headers) as answer:
            if answer.status == 200:
                return trace_id
            assert answer.status in (429, 503), await answer.text()
            refusals.append(answer.status)
            pause = float(answer.headers["Retry-After"])
        await asyncio.sleep(pause)


async def _seconds_of_points(rest: Api, run_id: str) -> list[float]:
    """Log points one after the other, and return how long each took."""
    seconds = []
    for step in range(POINTS):
        began = time.monotonic()
        point = {"run_id": run_id, "key": "loss", "value": 1.0, "timestamp": 1, "step": step}
        async with rest.session.post("runs/log-metric", json=point) as answer:
            assert answer.status == 200, await answer.text()
        seconds.append(time.monotonic() - began)
    return seconds


def _signal(site: Any, number: signal.Signals) -> None:
    for pid in site.warren.pids("traces"):
        os.kill(pid, number)


@pytest.mark.timeout(300)
async def test_a_traces_service_that_stands_still_stops_nothing_else(site: Any) -> None:
    refusals: list[int] = []
    async with api(site.url, connections=CLIENTS + 1) as rest:
        experiment_id = await rest.new_experiment("spans without a service")
        run_id = await rest.new_run("0")
        headers = PROTOBUF | {"x-mlflow-experiment-id": experiment_id}
        _signal(site, signal.SIGSTOP)
        try:
            senders = [
                asyncio.create_task(_export(rest, f"{site.url}/v1/traces", headers, refusals))
                for _ in range(CLIENTS)
            ]
            while 429 not in refusals:
                await asyncio.sleep(0.05)
            seconds = await _seconds_of_points(rest, run_id)
        finally:
            _signal(site, signal.SIGCONT)
        assert statistics.median(seconds) < SECONDS_OF_A_POINT, seconds
        stored = [f"tr-{trace_id.hex()}" for trace_id in await asyncio.gather(*senders)]
    connection = await asyncpg.connect(site.postgres.dsn(NAME))
    counted = await connection.fetch(
        "SELECT trace_id, count(*) FROM traces.spans WHERE trace_id = ANY($1) GROUP BY 1", stored
    )
    await connection.close()
    assert {tuple(row) for row in counted} == {(each, SPANS) for each in stored}
    check_memory(site, "traces", gateway=GATEWAY_MEGABYTES)
