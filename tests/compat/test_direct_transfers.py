"""Clients that send and fetch large files in parts do so past the gateway. `make soak` does it with 2 GiB."""

import asyncio
import json
import os
from collections.abc import Mapping

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.embedded.progress import announce
from tests.compat.stock_client import StockClient
from tests.processes import MemoryWatch
from tests.web_server import WebServer

MEGABYTES = 2 * int(os.environ.get("WARREN_SOAK_MEGABYTES", "12"))
ALLOWED_GROWTH = 64
"""Of the gateway, in MB."""


async def artifact_bytes(server: WebServer) -> Mapping[str, int]:
    """Ask the only gateway of a stack how many bytes of artifacts it has passed on, by direction."""
    [monitor] = server.recorded()["monitors"]["gateway"]
    async with aiohttp.ClientSession() as session, session.get(f"{monitor}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return {
        sample.labels["direction"]: int(sample.value)
        for family in families
        for sample in family.samples
        if sample.name == "warren_artifact_bytes_total"
    }


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("tracking_uri", ["stack"], indirect=True)
async def test_bytes_of_transfers_in_parts_do_not_pass_through_the_gateway(
    stock_client: StockClient, stack_warren: WebServer
) -> None:
    [gateway] = stack_warren.pids("gateway")
    before = await artifact_bytes(stack_warren)
    async with MemoryWatch(gateway) as watch:
        outcome = await asyncio.to_thread(
            stock_client.run, "artifact_multipart", {"MEGABYTES": str(MEGABYTES)}
        )
    assert outcome.code == 0, outcome.output
    after = await artifact_bytes(stack_warren)
    passed = {direction: after[direction] - before[direction] for direction in before}
    measured = json.loads(outcome.output.splitlines()[-1])
    announce(
        f"{MEGABYTES} MB: up {measured['up']:.0f}, down {measured['down']:.0f} MB/s; through the gateway {passed}"
    )
    # MLflow 2 has no way to download but through the server.
    down = 0 if measured["downloads_in_parts"] else measured["downloaded"]
    assert passed == {"in": 0, "out": down}
    assert watch.growth < ALLOWED_GROWTH
