"""Frames that come again: points need no inbox, everything else does."""

import json
import time

import pytest

from services.tracking.handlers import HANDLERS
from shared.messaging.messages import Envelope, Frame, new_id
from shared.postgres.executor import Executor
from tests.integration.tracking.conftest import PROJECT

POINT = {"key": "loss", "value": 0.5, "timestamp": 1, "step": 1}


def envelope(name, idempotency_key=None, **fields):
    return Envelope(
        id=new_id(),
        name=name,
        project=PROJECT,
        payload=json.dumps(fields).encode(),
        deadline=time.time() + 60,
        idempotency_key=idempotency_key,
    )


def frame(*envelopes):
    return Frame(new_id(), "commands", envelopes)


@pytest.fixture
def executor(pool):
    return Executor(pool, HANDLERS)


async def inbox_rows(pool):
    return await pool.fetchval("SELECT count(*) FROM inbox")


async def test_frame_of_points_leaves_no_inbox_row_and_may_come_again(executor, tracking, pool):
    run = await tracking.run()
    sent = frame(
        envelope("LogMetric", run_id=run, **POINT),
        envelope("LogBatch", run_id=run, metrics=[POINT, POINT | {"step": 2}]),
        envelope("LogMetric", run_id="0" * 32, **POINT),
    )
    first = await executor.commands(sent, redelivered=False)
    second = await executor.commands(sent, redelivered=True)
    assert first == second
    assert [answer.error for answer in first.answers.values()] == [
        None,
        None,
        "RESOURCE_DOES_NOT_EXIST",
    ]
    assert await tracking.history(run, "loss") == [(1, 1, 0.5), (1, 2, 0.5)]
    assert (await tracking.data(run))["metrics"] == {"loss": 0.5}
    assert await inbox_rows(pool) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "LogBatch", "metrics": [POINT], "params": [{"key": "a", "value": "1"}]},
        {"name": "LogBatch", "metrics": [POINT], "tags": [{"key": "a", "value": "1"}]},
        {"name": "LogBatch"},
        {"name": "SetTag", "key": "a", "value": "1"},
        {"name": "LogMetric", "idempotency_key": "k", **POINT},
    ],
)
async def test_any_other_frame_goes_through_the_inbox(executor, tracking, pool, fields):
    run = await tracking.run()
    await executor.commands(frame(envelope(**fields, run_id=run)), redelivered=False)
    assert await inbox_rows(pool) >= 1


async def test_points_beside_another_command_share_its_transaction(executor, tracking, pool):
    run = await tracking.run()
    sent = frame(
        envelope("LogMetric", run_id=run, **POINT),
        envelope("SetTag", run_id=run, key="a", value="1"),
    )
    await executor.commands(sent, redelivered=False)
    assert await inbox_rows(pool) == 1
    assert await tracking.history(run, "loss") == [(1, 1, 0.5)]
