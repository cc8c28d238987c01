"""A replica dies, hangs, cancels a query, is promoted, or follows another primary: every query is answered."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from shared.messaging.messages import Envelope
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.replica import PrimaryReason
from tests.integration.replicas.replicated import LIMITS, Service, service, until
from tests.standby import Standby


class SlowReads:
    """Makes a query wait on its connection, as one does that reads much."""

    def __init__(self, tracking: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = asyncio.Event()
        answer = tracking.executor.queries.run

        async def slow(envelope: Envelope, message: Any, connection: Any) -> Any:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                self.begun.set()
                await connection.execute("SELECT pg_sleep(30)")
            return await answer(envelope, message, connection)

        monkeypatch.setattr(tracking.executor.queries, "run", slow)


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
        assert await in_the_middle(tracking, monkeypatch, standby.kill) < 10.0
        assert tracking.replicas.replicas[0].state is PrimaryReason.UNREACHABLE
        await tracking.call("GetExperiment", experiment_id="0")
        assert tracking.outcomes()[PrimaryReason.NONE_READY] == 1
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

            # The next probe begins within `probe_interval` and ends within `probe_timeout`. The queries would take 30 s.
            waited = await in_the_middle(tracking, monkeypatch, stop)
            assert waited < LIMITS.probe_interval + LIMITS.probe_timeout + 10.0
            assert tracking.replicas.replicas[0].state is PrimaryReason.HANGING
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

        answer = tracking.executor.queries.run

        async def reading(envelope: Envelope, message: Any, connection: Any) -> Any:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                locking = asyncio.create_task(lock())
                await connection.execute("SELECT pg_sleep(30) FROM experiments LIMIT 1")
                await locking
            return await answer(envelope, message, connection)

        await tracking.ready()
        monkeypatch.setattr(tracking.executor.queries, "run", reading)
        began = time.monotonic()
        await tracking.call("GetExperiment", experiment_id="0")
        assert time.monotonic() - began < 10.0
        assert tracking.outcomes()[PrimaryReason.CONFLICT] == 1
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
        await until(lambda: tracking.replicas.replicas[0].state is PrimaryReason.UNREACHABLE)
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
            await until(lambda: tracking.replicas.replicas[0].state is PrimaryReason.NOT_STANDBY)


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
            await until(lambda: replica.state is PrimaryReason.OTHER_PRIMARY)
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
                == [PrimaryReason.NOT_STANDBY, PrimaryReason.OTHER_PRIMARY, None]
            )
        )
        assert states[2] is None
        await tracking.call("GetExperiment", experiment_id="0")
        assert tracking.outcomes()["replica"] == 1


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
