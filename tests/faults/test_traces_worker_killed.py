"""`kill -9` of workers while spans come in: what was acknowledged is there, once."""

import asyncio
import random
from typing import Any

import pytest

from tests.rest import Api, api
from tests.unit.gateway.otlp.requests import PROTOBUF, a_span, body_of

CLIENTS = 8
SPANS = 50
KILLS = 3
TRACES_BEFORE_EACH_KILL = 30
NOTHING_DONE = 429
UNKNOWN = 503


async def _export(
    rest: Api, url: str, headers: dict[str, str], stored: list[bytes], stop: asyncio.Event
) -> None:
    """Send traces without pause, as exporters do: what is not acknowledged is sent again."""
    while not stop.is_set():
        trace_id = random.randbytes(16)
        root, *others = (a_span(number, trace_id=trace_id) for number in range(1, SPANS + 1))
        for each in others:
            each.parent_span_id = root.span_id
        body = body_of(*others, root)
        while True:
            async with rest.session.post(url, data=body, headers=headers) as response:
                if response.status == 200:
                    assert await response.read() == b""
                    break
                assert response.status in (NOTHING_DONE, UNKNOWN), await response.text()
            await asyncio.sleep(0.05)
        stored.append(trace_id)


async def _count(stored: list[bytes], wanted: int) -> None:
    while len(stored) < wanted:
        await asyncio.sleep(0.02)


@pytest.mark.timeout(240)
async def test_killed_worker_loses_and_doubles_no_span(site: Any) -> None:
    async with api(site.url) as rest:
        experiment_id = await rest.new_experiment("spans under fire")
        headers = PROTOBUF | {"x-mlflow-experiment-id": experiment_id}
        stored: list[bytes] = []
        stop = asyncio.Event()
        clients = [
            asyncio.create_task(_export(rest, f"{site.url}/v1/traces", headers, stored, stop))
            for _ in range(CLIENTS)
        ]
        for _ in range(KILLS):
            await _count(stored, len(stored) + TRACES_BEFORE_EACH_KILL)
            await site.warren.kill_one("traces")
        await _count(stored, len(stored) + TRACES_BEFORE_EACH_KILL)
        stop.set()
        await asyncio.gather(*clients)
        for trace_id in stored:
            query = {"trace_id": f"tr-{trace_id.hex()}", "allow_partial": "true"}
            url = f"{site.url}/api/3.0/mlflow/traces/get"
            async with rest.session.get(url, params=query) as response:
                assert response.status == 200, await response.text()
                trace = (await response.json())["trace"]
            assert trace["trace_info"]["state"] == "OK"
            ids = sorted(each["span_id"] for each in trace["spans"])
            assert len(ids) == len(set(ids)) == SPANS
