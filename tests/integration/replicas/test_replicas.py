"""Queries of the tracking service on a streaming replica: where they run, and what they show."""

import asyncio
import itertools
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from services.registry.handlers import HANDLERS as REGISTRY
from services.tracking.handlers import HANDLERS as TRACKING
from shared.contracts.errors import DomainError
from shared.messaging.client import BusClient
from shared.messaging.memory import MemoryBroker, MemoryTransport
from shared.messaging.messages import Envelope, Frame, new_id
from shared.postgres.diagnosis import with_replicas_diagnosed
from shared.postgres.executor import Executor
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.pool import Session, open_pool
from shared.postgres.replica import Limits, Reason, address_of
from shared.postgres.replicas import Replicas
from shared.runtime import metrics
from shared.runtime.settings import ReplicatedServiceSettings
from shared.serving.postgres import PostgresService
from tests.standby import Standby

LIMITS = Limits(
    look=0.5, watch=0.2, query=5.0, first_pause=0.05, longest_pause=0.2, first_lag_pause=0.05
)
PATIENT = replace(LIMITS, catch_up=1.0)
"""A test that must find queries on the replica does not depend on how busy the machine is."""

PROJECTS = itertools.count(1)

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


@pytest.fixture(scope="module")
async def primary(server_directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(server_directory / "primary", fsync=False) as server:
        for name in ("tracking", "registry"):
            await migrate(server.dsn("postgres"), name, service_migrations(name))
        yield server


@pytest.fixture(scope="module")
async def standby(server_directory: Path, primary: EmbeddedPostgres) -> AsyncIterator[Standby]:
    async with Standby(server_directory / "standby", primary) as server:
        yield server


class Service:
    """A tracking service without a bus, as one process has it."""

    def __init__(self, handlers: PostgresHandlers, executor: Executor, replicas: Replicas) -> None:
        self.handlers = handlers
        self.executor = executor
        self.replicas = replicas
        self.project = next(PROJECTS)

    async def call(self, name: str, /, **fields: Any) -> Any:
        """Carry out one message and return its JSON. Raises DomainError."""
        payload = json.dumps(fields).encode()
        envelope = Envelope(new_id(), name, self.project, payload, deadline=time.time() + 60)
        if self.handlers.messages[name].kind == "queries":
            answer = await self.executor.query(envelope)
        else:
            frame = Frame(new_id(), "commands", [envelope])
            answer = (await self.executor.commands(frame, redelivered=False)).answers[0]
        if answer.error:
            raise DomainError(answer.error, answer.body.decode())
        return json.loads(answer.body)

    async def new_run(self) -> str:
        """Create a run."""
        created = await self.call("CreateRun", experiment_id="0", start_time=1)
        return str(created["run"]["info"]["run_id"])

    async def tag(self, run_id: str) -> str:
        """Return the value of a run's tag."""
        run = (await self.call("GetRun", run_id=run_id))["run"]
        return {each["key"]: each["value"] for each in run["data"]["tags"]}["t"]

    async def ready(self, count: int = 1) -> None:
        """Wait until queries are sent to replicas."""
        await until(lambda: [each.state for each in self.replicas.replicas].count(None) == count)

    def outcomes(self) -> dict[str, int]:
        """Return how many queries ended in which way."""
        return {
            name: int(each._value.get())
            for name, each in self.replicas._outcomes.items()
            if each._value.get()
        }


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until a condition holds."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)


@asynccontextmanager
async def service(
    primary: EmbeddedPostgres,
    dsns: Sequence[str],
    limits: Limits = PATIENT,
    handlers: PostgresHandlers = TRACKING,
) -> AsyncIterator[Service]:
    dsn = primary.dsn("postgres")
    name = "tracking" if handlers is TRACKING else "registry"
    pool = await open_pool(dsn, schema=name, size=4, application_name="test")
    replicas = await Replicas.open(dsn, dsns, Session(name, "test"), 4, limits)
    for each in replicas._outcomes.values():
        each.reset()
    executor = Executor(pool, handlers, replicas=replicas)
    serving = Service(handlers, executor, replicas)
    if handlers is TRACKING:
        # The first message of a project in a process makes its rows.
        await serving.call("GetExperiment", experiment_id="0")
    yield serving
    await executor.close()
    await pool.close()


async def test_queries_run_on_the_replica(primary: EmbeddedPostgres, standby: Standby) -> None:
    async with service(primary, [standby.dsn("postgres")]) as tracking:
        await tracking.ready()
        run_id = await tracking.new_run()
        for number in range(5):
            await tracking.call("SetTag", run_id=run_id, key="t", value=str(number))
            assert await tracking.tag(run_id) == str(number)
        assert tracking.outcomes() == {Reason.PRIMARY_ONLY: 1, "replica": 5}


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
        assert outcomes[Reason.BEHIND] + outcomes[Reason.NONE_READY] > 10


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


class SlowReads:
    """Makes a query wait on its connection, as one does that reads much."""

    def __init__(self, tracking: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = asyncio.Event()
        answer = tracking.executor._answer_query

        async def slow(envelope: Envelope, message: Any, connection: Any) -> Any:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                self.begun.set()
                await connection.execute("SELECT pg_sleep(3)")
            return await answer(envelope, message, connection)

        monkeypatch.setattr(tracking.executor, "_answer_query", slow)


async def in_the_middle(
    tracking: Service, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], Awaitable[None]]
) -> float:
    """Let a fault come while queries run on the replica; return the seconds until they were answered."""
    await tracking.ready()
    with monkeypatch.context() as patched:
        slow = SlowReads(tracking, patched)
        queries = [
            asyncio.create_task(tracking.call("GetExperiment", experiment_id="0")) for _ in range(8)
        ]
        await slow.begun.wait()
        await fault()
        began = time.monotonic()
        await asyncio.gather(*queries)
        return time.monotonic() - began


async def test_a_replica_killed_under_queries_comes_back_by_itself(
    primary: EmbeddedPostgres, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(primary, [standby.dsn("postgres")]) as tracking:
        assert await in_the_middle(tracking, monkeypatch, standby.kill) < 1.0
        assert tracking.replicas.replicas[0].state is Reason.UNREACHABLE
        await tracking.call("GetExperiment", experiment_id="0")
        assert tracking.outcomes()[Reason.NONE_READY] == 1
        await standby.start()
        await tracking.ready()
        await tracking.call("GetExperiment", experiment_id="0")
        assert tracking.outcomes()["replica"] == 1


async def test_a_hanging_replica_holds_queries_for_a_bounded_time(
    primary: EmbeddedPostgres, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(primary, [standby.dsn("postgres")]) as tracking:
        async with AsyncExitStack() as stack:

            async def stop() -> None:
                await stack.enter_async_context(standby.stopped())

            # The next look begins within `watch` and ends within `look`; the queries would take 3 s.
            waited = await in_the_middle(tracking, monkeypatch, stop)
            assert waited < LIMITS.watch + LIMITS.look + 1.0
            assert tracking.replicas.replicas[0].state is Reason.HANGING
        await tracking.ready()
        await tracking.call("GetExperiment", experiment_id="0")
        assert tracking.outcomes()["replica"] == 1


async def test_a_query_that_a_conflict_cancels_is_answered_by_the_primary(
    primary: EmbeddedPostgres, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(primary, [standby.dsn("postgres")]) as tracking:
        await standby.do("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        await standby.do("SELECT pg_reload_conf()")
        admin = await asyncpg.connect(primary.dsn("postgres"))

        async def lock() -> None:
            # The lock is replayed, and conflicts with the reader's.
            await asyncio.sleep(0.2)
            await admin.execute(
                "SET search_path = tracking; ALTER TABLE experiments ADD conflict int;"
                "ALTER TABLE experiments DROP conflict"
            )

        answer = tracking.executor._answer_query

        async def reading(envelope: Envelope, message: Any, connection: Any) -> Any:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                locking = asyncio.create_task(lock())
                await connection.execute("SELECT pg_sleep(3) FROM experiments LIMIT 1")
                await locking
            return await answer(envelope, message, connection)

        await tracking.ready()
        monkeypatch.setattr(tracking.executor, "_answer_query", reading)
        began = time.monotonic()
        await tracking.call("GetExperiment", experiment_id="0")
        assert time.monotonic() - began < 2.0
        assert tracking.outcomes()[Reason.CONFLICT] == 1
        await admin.close()
        await standby.do("ALTER SYSTEM RESET max_standby_streaming_delay")
        await standby.do("SELECT pg_reload_conf()")


async def test_a_replica_may_be_started_later_and_is_refused_once_promoted(
    primary: EmbeddedPostgres, server_directory: Path
) -> None:
    late = Standby(server_directory / "late", primary)
    async with late:
        dsn = late.dsn("postgres")
    async with service(primary, [dsn]) as tracking:
        await until(lambda: tracking.replicas.replicas[0].state is Reason.UNREACHABLE)
        run_id = await tracking.new_run()
        await tracking.call("SetTag", run_id=run_id, key="t", value="first")
        assert await tracking.tag(run_id) == "first"
        async with late:
            await tracking.ready()
            assert await tracking.tag(run_id) == "first"
            assert tracking.outcomes()["replica"] == 1
            await late.promote()
            await tracking.call("SetTag", run_id=run_id, key="t", value="second")
            for _ in range(3):
                assert await tracking.tag(run_id) == "second"
            assert tracking.outcomes()["replica"] == 1
            await until(lambda: tracking.replicas.replicas[0].state is Reason.NOT_STANDBY)


async def test_a_standby_of_the_old_primary_is_refused_after_a_fail_over(
    primary: EmbeddedPostgres, standby: Standby, server_directory: Path
) -> None:
    async with Standby(server_directory / "successor", primary) as successor:
        await successor.promote()
        # What the old primary writes from here on lies further on in its log than what the new one writes.
        old = await asyncpg.connect(primary.dsn("postgres"))
        await old.execute("SELECT pg_switch_wal()")
        await old.close()
        async with service(successor, [standby.dsn("postgres")]) as tracking:
            replica = tracking.replicas.replicas[0]
            await until(lambda: replica.state is Reason.OTHER_PRIMARY)
            run_id = await tracking.new_run()
            await tracking.call("SetTag", run_id=run_id, key="t", value="new")
            assert await tracking.tag(run_id) == "new"
            assert "replica" not in tracking.outcomes()


async def test_servers_that_do_not_follow_the_primary_are_refused(
    primary: EmbeddedPostgres, standby: Standby
) -> None:
    admin = await asyncpg.connect(primary.dsn("postgres"))
    await admin.execute("CREATE DATABASE other")
    await admin.close()
    await migrate(primary.dsn("other"), "tracking", service_migrations("tracking"))
    dsns = [primary.dsn("postgres"), standby.dsn("other"), standby.dsn("postgres")]
    async with service(primary, dsns) as tracking:
        await tracking.ready()
        states = [each.state for each in tracking.replicas.replicas]
        await until(
            lambda: (
                [each.state for each in tracking.replicas.replicas]
                == [Reason.NOT_STANDBY, Reason.OTHER_PRIMARY, None]
            )
        )
        assert states[2] is None
        await tracking.call("GetExperiment", experiment_id="0")
        assert tracking.outcomes()["replica"] == 1


async def test_replicas_share_queries(primary: EmbeddedPostgres, standby: Standby) -> None:
    async with service(primary, [standby.dsn("postgres")] * 2) as tracking:
        await tracking.ready(2)
        await asyncio.gather(
            *(tracking.call("GetExperiment", experiment_id="0") for _ in range(10))
        )
        assert [each.served for each in tracking.replicas.replicas] == [5, 5]


async def test_the_mark_follows_a_restart_of_the_primary(
    primary: EmbeddedPostgres, standby: Standby
) -> None:
    async with service(primary, [standby.dsn("postgres")]) as tracking:
        await tracking.ready()
        before = await tracking.replicas._index.now()
        os.kill(primary.pid, signal.SIGINT)
        await primary.wait()
        await primary.stop()
        await primary.start()
        run_id = await tracking.new_run()
        await tracking.ready()
        await tracking.call("SetTag", run_id=run_id, key="t", value="new")
        assert await tracking.tag(run_id) == "new"
        assert (await tracking.replicas._index.now()).mark != before.mark
        assert tracking.outcomes()["replica"] == 1


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
        assert tracking.outcomes()[Reason.BEHIND] > 0
    await admin.execute("ALTER SYSTEM RESET ALL")
    await admin.execute("SELECT pg_reload_conf()")
    await admin.close()


async def test_the_diagnosis_names_the_replicas(
    primary: EmbeddedPostgres, standby: Standby
) -> None:
    dsn = standby.dsn("postgres")
    async with service(primary, [dsn, primary.dsn("postgres")]) as tracking:
        await tracking.ready()
        await until(lambda: tracking.replicas.replicas[1].state is Reason.NOT_STANDBY)
        handlers = with_replicas_diagnosed(TRACKING, tracking.replicas)
        tracking.executor._handlers = handlers
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
