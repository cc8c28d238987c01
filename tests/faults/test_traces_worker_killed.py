"""`kill -9` of workers while spans and records come in: what was acknowledged is there, once."""

import asyncio
import itertools
import json
import random
from typing import Any

import pytest

from tests.rest import Api, api
from tests.unit.gateway.otlp.requests import PROTOBUF, a_span, body_of

CLIENTS = 8
MERGERS = 2
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


async def _merge(rest: Api, url: str, client: int, merged: set[str], stop: asyncio.Event) -> None:
    """Merge records into a dataset without pause, and one that all clients have; send again what is not acknowledged."""
    for number in itertools.count():
        if stop.is_set():
            return
        name = f"{client}.{number}"
        records = [
            {"inputs": {"name": name}},
            {"inputs": {"name": "of all"}, "expectations": {name: number}},
        ]
        while True:
            body = {"records": json.dumps(records)}
            async with rest.session.post(url, json=body) as response:
                if response.status == 200:
                    break
                assert response.status in (NOTHING_DONE, UNKNOWN), await response.text()
            await asyncio.sleep(0.05)
        merged.add(name)


async def _records(rest: Api, url: str) -> list[dict[str, Any]]:
    found, query = [], {}
    while True:
        async with rest.session.get(url, params=query) as response:
            page = await response.json()
        found += json.loads(page["records"])
        if "next_page_token" not in page:
            return found
        query = {"page_token": page["next_page_token"]}


async def _count(stored: list[bytes], wanted: int) -> None:
    while len(stored) < wanted:
        await asyncio.sleep(0.02)


@pytest.mark.timeout(240)
async def test_killed_worker_loses_and_doubles_no_span_and_no_record(site: Any) -> None:
    async with api(site.url) as rest:
        experiment_id = await rest.new_experiment("spans under fire")
        headers = PROTOBUF | {"x-mlflow-experiment-id": experiment_id}
        stored: list[bytes] = []
        stop = asyncio.Event()
        clients = [
            asyncio.create_task(_export(rest, f"{site.url}/v1/traces", headers, stored, stop))
            for _ in range(CLIENTS)
        ]
        datasets = f"{site.url}/api/3.0/mlflow/datasets"
        made = (await rest.done(f"{datasets}/create", {"name": "under fire"}))["dataset"]
        dataset = f"{datasets}/{made['dataset_id']}"
        merged: set[str] = set()
        clients += [
            asyncio.create_task(_merge(rest, f"{dataset}/records", client, merged, stop))
            for client in range(MERGERS)
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
        records = await _records(rest, f"{dataset}/records")
        names = [each["inputs"]["name"] for each in records]
        assert sorted(names) == sorted({*merged, "of all"})
        (of_all,) = (each for each in records if each["inputs"]["name"] == "of all")
        assert of_all["expectations"].keys() == merged
        profile = (await rest.get(dataset)).body["dataset"]["profile"]
        assert json.loads(profile) == {"num_records": len(records)}
