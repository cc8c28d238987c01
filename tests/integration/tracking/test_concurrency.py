"""Many writers at once: no deadlock, nothing lost, nothing doubled, no param with two values."""

import asyncio
from typing import Any

import asyncpg
import pytest

from services.tracking.handlers import HANDLERS
from shared.contracts.errors import DomainError
from shared.messaging.messages import Answer
from shared.postgres.handlers import Contention
from tests.integration.tracking.conftest import PROJECT, Tracking, parsed

WRITERS = 50


@pytest.mark.parametrize("tagged", [False, True], ids=["points alone", "with tags"])
async def test_writers_of_the_same_keys_lose_and_double_nothing(
    tracking: Tracking, *, tagged: bool
) -> None:
    runs = [await tracking.run() for _ in range(2)]

    async def write(writer: int) -> None:
        # Each writer has its own order of runs and keys.
        for n in range(3):
            keys = [f"m{(writer + n + k) % 5}" for k in range(5)]
            metrics = [
                {"key": key, "value": writer, "timestamp": writer, "step": n} for key in keys
            ]
            # One point that each writes at each step, too.
            metrics += [{"key": key, "value": 0.5, "timestamp": 0, "step": n} for key in keys]
            tags = [{"key": key, "value": str(writer)} for key in keys if tagged]
            order = runs if writer % 2 else runs[::-1]
            answers = await tracking.frame(
                *(
                    ("LogBatch", {"run_id": run_id, "metrics": metrics, "tags": tags})
                    for run_id in order
                )
            )
            assert answers == [{}, {}]

    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    for run_id in runs:
        data = await tracking.data(run_id)
        assert data["metrics"] == {f"m{k}": WRITERS - 1 for k in range(5)}
        for key in data["metrics"]:
            history = await tracking.history(run_id, key)
            assert len(history) == len(set(history)) == (WRITERS + 1) * 3


async def test_two_transactions_cannot_both_set_a_param(
    tracking: Tracking, pool: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    run_id = await tracking.run()
    first, second = (
        parsed("LogParam", {"run_id": run_id, "key": "p", "value": v}, PROJECT) for v in "12"
    )
    log = HANDLERS.batch[type(first.message)]
    async with pool.acquire() as one, pool.acquire() as two:
        transaction = one.transaction()
        await transaction.start()
        assert await log([first], one) == [Answer(b"{}")]

        async def contend() -> Any:
            async with two.transaction():
                return await log([second], two)

        waiting = asyncio.create_task(contend())
        await asyncio.sleep(0.2)
        await transaction.commit()
        with pytest.raises(Contention):
            await waiting
        (answer,) = await contend()
    assert isinstance(answer, DomainError)
    assert "already logged with value='1'" in answer.message


@pytest.mark.parametrize("name", ["DeleteExperiment", "RestoreExperiment"])
async def test_runs_of_an_experiment_are_locked_in_the_order_of_writers(
    tracking: Tracking, pool: "asyncpg.Pool[asyncpg.Record]", name: str
) -> None:
    """Writers lock runs by id. The index by which an experiment's runs are found begins with the newest."""
    await tracking.call("CreateExperiment", name="e")
    # Of runs that are created in the same millisecond, the ids are in no order.
    ids = sorted([await tracking.run(experiment_id="1", start_time=start) for start in range(20)])
    if name == "RestoreExperiment":
        await tracking.call("DeleteExperiment", experiment_id="1")
    lock = "SELECT FROM runs WHERE run_id = $1 FOR NO KEY UPDATE"
    async with pool.acquire() as writer:
        async with writer.transaction():
            await writer.execute(lock, ids[0])
            waiting = asyncio.create_task(tracking.call(name, experiment_id="1"))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            for run_id in ids[1:]:
                await asyncio.wait_for(writer.execute(lock, run_id), 5)
        await waiting
    deleted = await pool.fetchval("SELECT bool_and(deleted) FROM runs WHERE experiment_id = 1")
    assert deleted is (name == "DeleteExperiment")
