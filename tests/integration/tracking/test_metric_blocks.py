"""Long series: their samples and pages by blocks, and blocks that late points make false."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

import pytest

from services.tracking import folding
from services.tracking.handlers import HANDLERS
from services.tracking.store import blocks
from services.tracking.store.blocks import BLOCK, WORTH_BLOCKS, make_blocks
from services.tracking.store.metrics import SAMPLES, SQL, START
from shared.messaging.messages import Envelope, new_id
from shared.postgres.deferred import Backlog
from shared.postgres.executor import Executor
from tests.explaining import Explaining, pages_read
from tests.integration.tracking.conftest import PROJECT, Tracking
from tests.integration.tracking.test_metrics import log, mlflow_sample
from tests.integration.tracking.test_purges import purge
from tests.service_pools import Pool

Series = list[tuple[int, int, Any]]
"""Points as (timestamp, step, value)."""

NAN = "NaN"


async def log_all(tracking: Tracking, run_id: str, points: Series) -> None:
    for start in range(0, len(points), 1_000):
        await log(tracking, run_id, points[start : start + 1_000])


async def sample(
    tracking: Tracking, run_id: str, limit: int, steps: tuple[int, int] | None = None
) -> Series:
    fields = {"start_step": steps[0], "end_step": steps[1]} if steps else {}
    reply = await tracking.call(
        "GetMetricHistoryBulkInterval",
        run_ids=[run_id],
        metric_key="m",
        max_results=limit,
        **fields,
    )
    return [(p["timestamp"], p["step"], p["value"]) for p in reply["metrics"]]


async def read_pages(tracking: Tracking, run_id: str, size: int) -> Series:
    points: Series = []
    token = None
    while True:
        reply = await tracking.call(
            "GetMetricHistory", run_id=run_id, metric_key="m", max_results=size, page_token=token
        )
        points += [(p["timestamp"], p["step"], p["value"]) for p in reply["metrics"]]
        token = reply.get("next_page_token")
        if token is None:
            return points


def in_order(points: Series) -> Series:
    """Sort points as MLflow sorts a history."""
    return sorted(points, key=lambda p: (p[0], p[1], 0 if p[2] == NAN else p[2], p[2] == NAN))


async def assert_read(tracking: Tracking, run_id: str, points: Series) -> None:
    """Compare samples of several sizes and ranges, and pages, with MLflow's rules."""
    first, last = min(p[1] for p in points), max(p[1] for p in points)
    third = (last - first) // 3
    for steps in (None, (first + third, last - third), (first + third, last + 5), (last - 1, last)):
        chosen = [p for p in points if steps is None or steps[0] <= p[1] <= steps[1]]
        for limit in (1, 2, 7, 20, 64):
            expected = mlflow_sample(chosen, min(limit, len(chosen)))
            assert await sample(tracking, run_id, limit, steps) == expected, (limit, steps)
    assert await read_pages(tracking, run_id, 999) == in_order(points)


def rising(count: int) -> Series:
    return [(1_000 + step, step, step / 4) for step in range(count)]


def repeated(random: Random, count: int) -> Series:
    """Few steps with many points each; moments with negative, positive and NaN values."""
    values = [-1.5, 0.0, 0.5, 3.25, NAN]
    span = random.choice([1, 7, 400])
    points = {
        (random.randrange(count // 3), random.randrange(-span, span), random.choice(values))
        for _ in range(count)
    }
    return sorted(points, key=str)


def backward(count: int) -> Series:
    """Timestamps that fall while steps rise."""
    return [(count - step, step, step / 4) for step in range(count)]


async def block_count(tracking: Tracking) -> int:
    count: int = await tracking.pool.fetchval("SELECT count(*) FROM metric_blocks")
    return count


@pytest.mark.parametrize("seed", range(3))
async def test_blocks_change_no_result(tracking: Tracking, seed: int) -> None:
    random = Random(seed)
    points = [repeated(random, 4_000), rising(4_000), backward(3_000)][seed]
    run_id = await tracking.run()
    await log_all(tracking, run_id, points)
    await assert_read(tracking, run_id, points)
    made = await make_blocks(tracking.pool, PROJECT, run_id, "m")
    assert made >= (len(points) - blocks.LIVE_POINTS) // BLOCK - 1
    await assert_read(tracking, run_id, points)
    assert await make_blocks(tracking.pool, PROJECT, run_id, "m") == 0


@pytest.mark.parametrize("value", [0.125, NAN])
async def test_points_that_arrive_late_are_read(tracking: Tracking, value: Any) -> None:
    run_id = await tracking.run()
    points = rising(4_000)
    await log_all(tracking, run_id, points)
    await make_blocks(tracking.pool, PROJECT, run_id, "m")
    for late in (2_000, 2_500, 1_200):
        point = (1_000 + late, late, value)
        await log(tracking, run_id, [point, (9_000 + late, 5_000 + late, 0.5)])
        points += [point, (9_000 + late, 5_000 + late, 0.5)]
        await assert_read(tracking, run_id, points)
    before = await block_count(tracking)
    assert await make_blocks(tracking.pool, PROJECT, run_id, "m") > 0
    assert await block_count(tracking) <= before + 2
    await assert_read(tracking, run_id, points)


async def test_an_appended_point_leaves_the_blocks_true(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await log_all(tracking, run_id, rising(4_000))
    await make_blocks(tracking.pool, PROJECT, run_id, "m")
    settled = "SELECT settled_step, settled_timestamp FROM metric_series"
    before = await tracking.pool.fetchrow(settled)
    await log(tracking, run_id, [(10_000, 4_000, 0.5), (4_950, 3_990, 0.5)])
    assert await tracking.pool.fetchrow(settled) == before


async def test_blocks_wait_for_writers_that_do_not_know_of_them(tracking: Tracking) -> None:
    """Such a writer does not see that its point is late, and its point is not seen before it ends."""
    run_id = await tracking.run()
    points = rising(4_000)
    await log_all(tracking, run_id, points)
    async with tracking.pool.acquire() as writer:
        writing = writer.transaction()
        await writing.start()
        await writer.execute(
            "INSERT INTO metric_points (project_id, series_id, step, timestamp, value)"
            " SELECT project_id, series_id, 100, 1100, 0.125 FROM metric_series"
        )
        making = asyncio.create_task(make_blocks(tracking.pool, PROJECT, run_id, "m"))
        await asyncio.sleep(0.3)
        assert not making.done()
        assert await block_count(tracking) == 0
        await writing.commit()
    assert await making > 0
    await assert_read(tracking, run_id, [*points, (1_100, 100, 0.125)])


async def test_a_writer_that_does_not_end_leaves_the_series_without_blocks(
    tracking: Tracking,
) -> None:
    run_id = await tracking.run()
    await log_all(tracking, run_id, rising(2_000))
    async with tracking.pool.acquire() as writer, writer.transaction():
        await writer.execute("DELETE FROM metric_points WHERE project_id = -1")
        assert await make_blocks(tracking.pool, PROJECT, run_id, "m", writers_seconds=0.1) == 0
    await assert_read(tracking, run_id, rising(2_000))
    await log_all(tracking, run_id, [(9_000 + s, 2_000 + s, 0.5) for s in range(200)])
    assert await make_blocks(tracking.pool, PROJECT, run_id, "m") > 0


async def test_only_the_latest_round_makes_blocks(tracking: Tracking) -> None:
    """The one before has not waited for the writers that do not know how far the moment was moved."""
    run_id = await tracking.run()
    await log_all(tracking, run_id, rising(2_000))
    async with tracking.pool.acquire() as connection:
        first = await blocks._settle(connection, PROJECT, run_id, "m")
        await log_all(tracking, run_id, [(9_000 + s, 2_000 + s, 0.5) for s in range(200)])
        second = await blocks._settle(connection, PROJECT, run_id, "m")
        assert first is not None
        assert second is not None
        assert await blocks._append(connection, first, PROJECT, run_id, "m") == 0
        assert await blocks._append(connection, second, PROJECT, run_id, "m") > 0


async def test_a_query_of_a_long_series_leaves_blocks_behind(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await insert_rising(tracking.pool, run_id, WORTH_BLOCKS + 2)
    executor = Executor(tracking.pool, HANDLERS)
    for name, asked in (
        ("GetMetricHistory", {"run_id": run_id, "max_results": 10}),
        ("GetMetricHistoryBulkInterval", {"run_ids": [run_id], "max_results": 10}),
    ):
        query = HANDLERS.messages[name].model_validate({**asked, "metric_key": "m"})
        payload = query.model_dump_json(exclude_none=True).encode()
        envelope = Envelope(new_id(), name, PROJECT, payload, deadline=2e10)
        (await executor.query(envelope)).checked()
        await executor.queries.backlog.finish()
        assert await block_count(tracking) == (WORTH_BLOCKS + 2 - blocks.LIVE_POINTS) // BLOCK
        await tracking.pool.execute("DELETE FROM metric_blocks")
        await tracking.pool.execute(
            "UPDATE metric_series SET settled_step = NULL, settled_timestamp = NULL"
        )


async def test_folding_a_run_leaves_blocks_of_its_long_series_behind(tracking: Tracking) -> None:
    run_id, short = await tracking.run(), await tracking.run()
    await insert_rising(tracking.pool, run_id, WORTH_BLOCKS + 2)
    await insert_rising(tracking.pool, short, WORTH_BLOCKS)
    backlog = Backlog(tracking.pool)
    await folding.fold_round(tracking.pool, folding.Pace(quiet=0.01, retry=0.0), backlog)
    await backlog.finish()
    assert await block_count(tracking) == (WORTH_BLOCKS + 2 - blocks.LIVE_POINTS) // BLOCK
    # What is left is not worth another round.
    assert await blocks.works_of_runs(tracking.pool, [(PROJECT, UUID(run_id))]) == {}


async def insert_rising(pool: Pool, run_id: str, count: int) -> None:
    await pool.execute(
        "WITH series AS ("
        " INSERT INTO metric_series (project_id, run_id, key) VALUES ($1, $2, 'm')"
        " RETURNING series_id"
        ") INSERT INTO metric_points (project_id, series_id, step, timestamp, value)"
        " SELECT $1, series_id, n, n, n FROM series, generate_series(1, $3::bigint) AS n",
        PROJECT,
        UUID(run_id),
        count,
    )


async def explained(pool: Pool, statement: str, *values: object) -> int:
    async with pool.acquire() as connection:
        explaining = Explaining(connection)
        await explaining.fetch(statement, *values)
    (plan,) = explaining.plans
    return pages_read(plan)


def sample_arguments(run_id: str) -> Sequence[object]:
    return (PROJECT, [run_id], "m", 20, -(2**63), 2**63 - 1, WORTH_BLOCKS)


def page_arguments(run_id: str, start: int) -> Sequence[object]:
    place = (start, START.step, START.value)
    return (PROJECT, run_id, "m", *place, 1_000, WORTH_BLOCKS)


async def test_what_is_read_does_not_grow_with_the_series(tracking: Tracking) -> None:
    sampled, pages = [], []
    for count in (20_000, 80_000):
        run_id = await tracking.run()
        await insert_rising(tracking.pool, run_id, count)
        await make_blocks(tracking.pool, PROJECT, run_id, "m")
        await tracking.pool.execute("VACUUM ANALYZE metric_points, metric_blocks")
        arguments: Sequence[object] = sample_arguments(run_id)
        sampled.append(await explained(tracking.pool, SAMPLES["sampled"].sql, *arguments))
        arguments = page_arguments(run_id, count // 2)
        pages.append(await explained(tracking.pool, SQL["history"].sql, *arguments))
    # Both indexes may be a level deeper, on the way to each of 20 samples and to its neighbours.
    assert sampled[1] < sampled[0] + 20 * 4, sampled
    assert sampled[1] < 20 * 15, sampled
    # All blocks of the series are looked at, twice; of the points, those of the page.
    assert pages[1] < 2 * 80_000 / BLOCK + 200, pages


async def test_a_purge_leaves_no_blocks(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await log_all(tracking, run_id, rising(2_000))
    assert await make_blocks(tracking.pool, PROJECT, run_id, "m") > 0
    await tracking.call("DeleteRun", run_id=run_id)
    await purge(tracking)
    for table in ("metric_blocks", "metric_points", "metric_series"):
        assert await tracking.pool.fetchval(f"SELECT count(*) FROM {table}") == 0
