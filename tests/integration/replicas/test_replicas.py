"""Queries on a streaming replica: where they run, and what they show."""

import asyncio
import itertools
import json
import time
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from services.registry.handlers import HANDLERS as REGISTRY
from services.tracking.handlers import HANDLERS as TRACKING
from shared.contracts.errors import DomainError
from shared.messaging.client import BusClient
from shared.messaging.memory import MemoryBroker, MemoryTransport
from shared.messaging.messages import Envelope, new_id
from shared.postgres.diagnosis import with_replicas_diagnosed
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.replica import PrimaryReason, address_of
from shared.runtime import metrics
from shared.runtime.settings import ReplicatedServiceSettings
from shared.serving.postgres import PostgresService
from tests.integration.replicas.replicated import LIMITS, PROJECTS, service, until
from tests.standby import Standby

QUERIES: dict[str, dict[str, dict[str, Any]]] = {
    "tracking": {
        "GetExperiment": {"experiment_id": "0"},
        "GetExperimentByName": {"experiment_name": "Default"},
        "SearchExperiments": {"filter": "tags.a = 'b'"},
        "GetRun": {"run_id": "0" * 32},
        "GetRunByIid": {"iid": 1},
        "SearchRuns": {"experiment_ids": ["0"], "filter": "metrics.m > 1 AND params.p = 'q'"},
        "GetMetricHistory": {"run_id": "0" * 32, "metric_key": "m"},
        "GetMetricHistoryBulk": {"run_id": ["0" * 32], "metric_key": "m"},
        "GetMetricHistoryBulkInterval": {"run_ids": ["0" * 32], "metric_key": "m"},
        "SearchDatasets": {"experiment_ids": ["0"]},
        "GetLoggedModel": {"model_id": "m-1"},
        "SearchLoggedModels": {"experiment_ids": ["0"], "filter": "metrics.m > 1"},
        "ListProjectsWithData": {},
        "GetPurgePlan": {"run_ids": ["0" * 32]},
        "ListTrackedEntityTypes": {},
    },
    "registry": {
        "GetRegisteredModel": {"name": "n"},
        "SearchRegisteredModels": {"filter": "name LIKE 'n%'"},
        "GetLatestVersions": {"name": "n"},
        "GetModelVersion": {"name": "n", "version": "1"},
        "GetVersionById": {"id": 1},
        "SearchModelVersions": {"filter": "run_id = 'r'"},
        "GetModelVersionDownloadUri": {"name": "n", "version": "1"},
        "GetModelVersionByAlias": {"name": "n", "alias": "a"},
        "ListRegisteredEntityTypes": {},
    },
}
"""Every query that may run on a replica, by service."""


async def test_queries_run_on_the_replica(primary: EmbeddedPostgres, standby: Standby) -> None:
    async with service(primary, [standby.dsn("postgres")]) as tracking:
        await tracking.ready()
        run_id = await tracking.new_run()
        for number in range(5):
            await tracking.call("SetTag", run_id=run_id, key="t", value=str(number))
            assert await tracking.tag(run_id) == str(number)
        assert tracking.outcomes() == {PrimaryReason.PRIMARY_ONLY: 1, "replica": 5}


async def test_written_is_read_by_another_process_while_the_replica_lags(
    primary: EmbeddedPostgres, standby: Standby
) -> None:
    dsns = [standby.dsn("postgres")]
    async with service(primary, dsns, LIMITS) as writer, service(primary, dsns, LIMITS) as reader:
        reader.project = writer.project
        await reader.call("GetExperiment", experiment_id="0")
        run_id = await writer.new_run()
        written = itertools.count()

        async def alternate(seconds: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                number = str(next(written))
                await writer.call("SetTag", run_id=run_id, key="t", value=number)
                assert await reader.tag(run_id) == number
                assert await writer.tag(run_id) == number

        await reader.ready()
        await alternate(0.5)
        for _ in range(3):
            async with standby.paused():
                await alternate(0.4)
            await alternate(0.4)
        outcomes = reader.outcomes()
        assert outcomes["replica"] > 10
        assert outcomes[PrimaryReason.BEHIND] + outcomes[PrimaryReason.NONE_READY] > 10


async def test_many_queries_share_a_look_at_the_primary(
    primary: EmbeddedPostgres, standby: Standby
) -> None:
    async with service(primary, [standby.dsn("postgres")]) as tracking:
        await tracking.ready()
        index = tracking.replicas._index
        looks = 0
        look_up = index._look_up

        async def counted() -> Any:
            nonlocal looks
            looks += 1
            return await look_up()

        index._look_up = counted  # type: ignore[method-assign]
        await asyncio.gather(
            *(tracking.call("GetExperiment", experiment_id="0") for _ in range(50))
        )
        assert tracking.outcomes()["replica"] == 50
        assert looks <= 5


async def test_replicas_share_queries(primary: EmbeddedPostgres, standby: Standby) -> None:
    async with service(primary, [standby.dsn("postgres")] * 2) as tracking:
        await tracking.ready(2)
        await asyncio.gather(
            *(tracking.call("GetExperiment", experiment_id="0") for _ in range(10))
        )
        assert [each.served for each in tracking.replicas.replicas] == [5, 5]


@pytest.mark.parametrize("handlers", [TRACKING, REGISTRY], ids=["tracking", "registry"])
async def test_every_query_runs_on_a_standby(
    primary: EmbeddedPostgres, standby: Standby, handlers: PostgresHandlers
) -> None:
    queries = QUERIES["tracking" if handlers is TRACKING else "registry"]
    assert set(queries) == {
        each.__name__
        for each in handlers.messages.values()
        if each.kind == "queries" and each not in handlers.primary_only
    }
    async with service(primary, [standby.dsn("postgres")], handlers=handlers) as serving:
        await serving.ready()
        for name, fields in queries.items():
            with suppress(DomainError):  # What does not exist.
                await serving.call(name, **fields)
        assert serving.outcomes().get("replica") == len(queries)


async def test_a_commit_that_is_not_flushed_is_waited_for(
    primary: EmbeddedPostgres, standby: Standby
) -> None:
    admin = await asyncpg.connect(primary.dsn("postgres"))
    await admin.execute("ALTER SYSTEM SET synchronous_commit = off")
    await admin.execute("ALTER SYSTEM SET wal_writer_delay = '2s'")
    await admin.execute("SELECT pg_reload_conf()")
    async with service(primary, [standby.dsn("postgres")], LIMITS) as tracking:
        await tracking.ready()
        run_id = await tracking.new_run()
        for number in range(20):
            await tracking.call("SetTag", run_id=run_id, key="t", value=str(number))
            assert await tracking.tag(run_id) == str(number)
        assert tracking.outcomes()[PrimaryReason.BEHIND] > 0
    await admin.execute("ALTER SYSTEM RESET ALL")
    await admin.execute("SELECT pg_reload_conf()")
    await admin.close()


async def test_the_diagnosis_names_the_replicas(
    primary: EmbeddedPostgres, standby: Standby
) -> None:
    dsn = standby.dsn("postgres")
    async with service(primary, [dsn, primary.dsn("postgres")]) as tracking:
        await tracking.ready()
        await until(lambda: tracking.replicas.replicas[1].state is PrimaryReason.NOT_STANDBY)
        handlers = with_replicas_diagnosed(TRACKING, tracking.replicas)
        tracking.executor.environment.handlers = handlers
        diagnosis = await tracking.call("Diagnose")
        assert diagnosis["replicas"] == {
            address_of(dsn): {"state": "ready", "lag": 0},
            address_of(primary.dsn("postgres")): {"state": "not_standby"},
        }


async def test_a_service_with_replicas_in_its_settings_uses_and_diagnoses_them(
    primary: EmbeddedPostgres, standby: Standby
) -> None:
    settings = ReplicatedServiceSettings(
        dsn=primary.dsn("postgres"), replicas=standby.dsn("postgres")
    )
    broker = MemoryBroker(["tracking"])
    running = await PostgresService.start(
        "tracking", settings, TRACKING, lambda: MemoryTransport(broker)
    )
    bus = BusClient(MemoryTransport(broker))
    await bus.start()

    project = next(PROJECTS)

    async def ask(name: str, **fields: Any) -> Any:
        payload = json.dumps(fields).encode()
        envelope = Envelope(new_id(), name, project, payload, deadline=time.time() + 60)
        return json.loads((await bus.call("tracking", "queries", envelope)).checked())

    async def is_ready() -> bool:
        (state,) = (await ask("Diagnose"))["replicas"].values()
        return bool(state["state"] == "ready")

    give_up = time.monotonic() + 15.0
    while not await is_ready():
        assert time.monotonic() < give_up
    on_replica = metrics.REPLICA_QUERIES.labels("tracking", "replica")
    before = on_replica._value.get()
    assert (await ask("GetExperiment", experiment_id="0"))["experiment"]["name"] == "Default"
    assert on_replica._value.get() == before + 1
    await bus.close()
    await running.close()
