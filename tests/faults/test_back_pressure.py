"""More than the database can take: memory stays bounded, the excess is told to come again, nothing is lost."""

import asyncio
import os

import pytest

from tests.faults.load import loaded
from tests.faults.memory import check_memory
from tests.rest import api

CHAOS = "WARREN_CHAOS_SECONDS" in os.environ
CLIENTS = 2_000 if CHAOS else 100


@pytest.mark.timeout(900)
async def test_a_crowd_of_clients_on_a_slow_database_is_served(site):
    """Every round trip to PostgreSQL takes 40 ms, and all clients are there at once."""
    site.to_postgres.delay = 0.02
    try:
        async with loaded(site.url, CLIENTS) as load:
            await load.acknowledges(2 * CLIENTS)
    finally:
        site.to_postgres.go_on()
    check_memory(site)


async def test_what_does_not_fit_is_told_to_come_again_and_ends_well(site):
    """The database hangs while clients bring more than two gateways may hold: 2 * 64 MB."""
    clients, text = 240, "x" * 7_900
    tags = [{"key": str(number), "value": text} for number in range(100)]
    refusals = []
    async with api(site.url, connections=clients) as rest:
        runs = [await rest.new_run("0") for _ in range(clients)]

        async def write(run):
            while True:
                body = {"run_id": run, "tags": tags}
                async with rest.session.post("runs/log-batch", json=body) as answer:
                    if answer.status == 200:
                        return
                    assert answer.status in {429, 503}, await answer.text()
                    refusals.append(answer.status)
                    pause = float(answer.headers["Retry-After"])
                await asyncio.sleep(pause)

        site.to_postgres.stall()
        try:
            async with asyncio.timeout(240), asyncio.TaskGroup() as group:
                for run in runs:
                    group.create_task(write(run))
                while 429 not in refusals:
                    await asyncio.sleep(0.05)
                site.to_postgres.go_on()
        finally:
            site.to_postgres.go_on()
        check_memory(site)
        for run in runs:
            stored = (await rest.get("runs/get", run_id=run)).body["run"]["data"]["tags"]
            own = [tag for tag in stored if not tag["key"].startswith("mlflow.")]
            assert sorted(own, key=lambda tag: int(tag["key"])) == tags
