"""A query that takes too long is cancelled in PostgreSQL. A command is not."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.tracking.handlers import HANDLERS
from shared.contracts.errors import ErrorCode
from shared.messaging.messages import Answer, Envelope, Frame, new_id
from shared.postgres.executor import Executor
from tests.integration.tracking.conftest import PROJECT, Tracking
from tests.service_pools import Pool


def _envelope(name: str, **fields: Any) -> Envelope:
    return Envelope(new_id(), name, PROJECT, json.dumps(fields).encode(), deadline=time.time() + 60)


async def _command(executor: Executor, name: str, **fields: Any) -> Answer:
    frame = Frame(new_id(), "commands", [_envelope(name, **fields)])
    return (await executor.commands(frame, redelivered=False)).answers[0]


@asynccontextmanager
async def _locked(pool: Pool, table: str) -> AsyncIterator[None]:
    """Make every statement that reads a table wait."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


async def _waiting(pool: Pool) -> int:
    waiting: int = await pool.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return waiting


@pytest.mark.parametrize(
    ("filter_", "table"),
    # The second search waits in a statement inside its snapshot.
    [("", "runs"), ("metrics.loss > 1 AND params.x = '1'", "newest_metrics")],
)
async def test_a_slow_query_is_cancelled_and_its_connection_serves_the_next(
    tracking: Tracking, filter_: str, table: str
) -> None:
    await tracking.run(experiment_id="0")
    executor = Executor(tracking.pool, HANDLERS, query_timeout=0.3)
    search = {"experiment_ids": ["0"], "filter": filter_, "order_by": ["run_name"]}
    async with _locked(tracking.pool, table):
        answer = await executor.query(_envelope("SearchRuns", **search))
        assert answer.error is ErrorCode.TEMPORARILY_UNAVAILABLE
        assert answer.body.startswith(b"The query took longer than 0.3 s and was cancelled.")
        assert await _waiting(tracking.pool) == 0
        assert tracking.pool.get_size() - tracking.pool.get_idle_size() == 1
    answer = await executor.query(_envelope("SearchRuns", **search))
    assert answer.error is None


async def test_a_slow_command_is_not_cancelled(tracking: Tracking) -> None:
    run_id = await tracking.run(experiment_id="0")
    executor = Executor(tracking.pool, HANDLERS, query_timeout=0.1)
    async with _locked(tracking.pool, "runs"):
        command = asyncio.create_task(
            _command(executor, "SetTag", run_id=run_id, key="slow", value="x")
        )
        await asyncio.sleep(0.4)
        assert not command.done()
    assert (await command).error is None
    assert (await tracking.data(run_id))["tags"]["slow"] == "x"
