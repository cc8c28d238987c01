"""Folded runs: what is read of them is what was written, at once, whatever is written when."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.tracking import folding
from services.tracking.folding import Pace
from services.tracking.store import log
from tests.integration.tracking.conftest import PROJECT, Tracking
from tests.service_pools import Pool

AT_ONCE = Pace(quiet=0.01, share=1.0)
DATASET = {
    "dataset": {"name": "mnist", "digest": "1", "source_type": "local", "source": "{}"},
    "tags": [{"key": "mlflow.data.context", "value": "train"}],
}
WRITES: list[tuple[str, dict[str, Any]]] = [
    ("LogMetric", {"key": "loss", "value": 0.5, "timestamp": 2, "step": 2}),
    ("LogMetric", {"key": "new", "value": float("nan"), "timestamp": 2, "step": 2}),
    ("LogParam", {"key": "depth", "value": "3"}),
    ("SetTag", {"key": "env", "value": "prod"}),
    ("SetTag", {"key": "mlflow.runName", "value": "renamed"}),
    ("DeleteTag", {"key": "old"}),
    (
        "LogBatch",
        {
            "metrics": [{"key": "acc", "value": 1.0, "timestamp": 3, "step": 1}],
            "params": [{"key": "rate", "value": "0.1"}],
            "tags": [{"key": "old", "value": "changed"}],
        },
    ),
    ("LogInputs", {"datasets": [DATASET]}),
    ("LogInputs", {"models": [{"model_id": "m-1"}]}),
    ("LogOutputs", {"models": [{"model_id": "m-1", "step": 4}]}),
    (
        "LogModel",
        {
            "model_json": '{"artifact_path": "m", "flavors": {}, "utc_time_created": "now", "run_id": "x"}'
        },
    ),
    ("UpdateRun", {"run_name": "another"}),
    ("UpdateRun", {"status": "FINISHED", "end_time": 9}),
    ("DeleteRun", {}),
]


async def _run(tracking: Tracking) -> str:
    run_id = await tracking.run(experiment_id="0", start_time=5, run_name="first")
    await tracking.call("SetTag", run_id=run_id, key="old", value="x")
    await tracking.call("LogMetric", run_id=run_id, key="loss", value=1.0, timestamp=1, step=1)
    return run_id


async def _folded(tracking: Tracking) -> str:
    run_id = await _run(tracking)
    await folding.fold_round(tracking.pool, AT_ONCE)
    assert await _is_folded(tracking.pool, run_id)
    return run_id


async def _is_folded(pool: Pool, run_id: str) -> bool:
    found: bool = await pool.fetchval(
        "SELECT folded FROM runs WHERE project_id = $1 AND run_id = $2", PROJECT, run_id
    )
    return found


async def _read(tracking: Tracking, run_id: str) -> Any:
    return (await tracking.call("GetRun", run_id=run_id))["run"]


async def _read_unfolded(tracking: Tracking, run_id: str) -> Any:
    """Read a run as if it had never been folded."""
    await tracking.pool.execute("UPDATE runs SET folded = false WHERE run_id = $1", run_id)
    run = await _read(tracking, run_id)
    await tracking.pool.execute("UPDATE runs SET folded = true WHERE run_id = $1", run_id)
    return run


@pytest.mark.parametrize(("name", "fields"), WRITES)
async def test_a_folded_run_shows_every_write_at_once(
    tracking: Tracking, name: str, fields: dict[str, Any]
) -> None:
    run_id = await _folded(tracking)
    before = await _read(tracking, run_id)
    await tracking.call(name, run_id=run_id, **fields)
    written = await _read(tracking, run_id)
    assert written != before
    await folding.fold_round(tracking.pool, Pace(quiet=0.01, retry=0.0))
    assert await _is_folded(tracking.pool, run_id)
    assert await _read(tracking, run_id) == written
    assert await _read_unfolded(tracking, run_id) == written


async def test_a_large_document_is_compressed_and_a_small_one_is_not(tracking: Tracking) -> None:
    small, large = [await _run(tracking) for _ in range(2)]
    await tracking.call("LogParam", run_id=large, key="long", value="x" * 5_000)
    await folding.fold_round(tracking.pool, AT_ONCE)
    rows = await tracking.pool.fetch("SELECT run_id, length(document) FROM run_documents")
    lengths = {row[0].hex: row[1] for row in rows}
    assert lengths[large] < lengths[small]
    for each in (small, large):
        assert await _read(tracking, each) == await _read_unfolded(tracking, each)


async def test_a_page_has_folded_runs_and_others_in_order(tracking: Tracking) -> None:
    runs = [await _run(tracking) for _ in range(3)]
    await folding.fold_round(tracking.pool, AT_ONCE)
    await tracking.call("SetTag", run_id=runs[1], key="env", value="unfolded")
    assert [await _is_folded(tracking.pool, each) for each in runs] == [True, False, True]
    found = await tracking.call("SearchRuns", experiment_ids=["0"], order_by=["run_id"])
    assert found["runs"] == [await _read(tracking, each) for each in runs]


async def test_a_refolded_run_is_found_by_its_newest_metric_alone(tracking: Tracking) -> None:
    run_id = await _folded(tracking)
    found = {"experiment_ids": ["0"], "filter": "metrics.loss = 1"}
    assert len((await tracking.call("SearchRuns", **found))["runs"]) == 1
    await tracking.call("LogMetric", run_id=run_id, key="loss", value=2.0, timestamp=2, step=2)
    assert not (await tracking.call("SearchRuns", **found)).get("runs")
    await folding.fold_round(tracking.pool, Pace(quiet=0.01, retry=0.0))
    assert await _is_folded(tracking.pool, run_id)
    assert not (await tracking.call("SearchRuns", **found)).get("runs")
    found["filter"] = "metrics.loss = 2"
    assert len((await tracking.call("SearchRuns", **found))["runs"]) == 1


async def test_a_run_that_is_written_to_during_an_attempt_is_not_folded(
    tracking: Tracking,
) -> None:
    run_id = await _run(tracking)
    attempt = await folding.mark(tracking.pool, AT_ONCE)
    assert (PROJECT, UUID(run_id)) in attempt.runs
    await tracking.call("LogMetric", run_id=run_id, key="loss", value=2.0, timestamp=2, step=2)
    await folding.fold(tracking.pool, attempt.number, attempt.runs)
    assert not await _is_folded(tracking.pool, run_id)
    assert (await tracking.data(run_id))["metrics"] == {"loss": 2.0}
    # It is at work, so the next attempt leaves it in peace.
    assert not (await folding.mark(tracking.pool, AT_ONCE)).runs


async def test_an_attempt_waits_for_writers_that_may_not_have_seen_it(tracking: Tracking) -> None:
    run_id = await _run(tracking)
    async with tracking.pool.acquire() as writer:
        transaction = writer.transaction()
        await transaction.start()
        await writer.fetchval("SELECT fold_attempt FROM runs WHERE run_id = $1", run_id)
        round_ = asyncio.create_task(folding.fold_round(tracking.pool, AT_ONCE))
        await asyncio.sleep(0.3)
        assert not round_.done()
        await writer.execute(
            "INSERT INTO params (project_id, run_id, key, value) VALUES ($1, $2, 'late', '1')",
            PROJECT,
            run_id,
        )
        await transaction.commit()
    await round_
    assert await _is_folded(tracking.pool, run_id)
    assert (await tracking.data(run_id))["params"] == {"late": "1"}


async def test_an_abandoned_attempt_is_taken_over(tracking: Tracking) -> None:
    run_id = await _run(tracking)
    assert (await folding.mark(tracking.pool, AT_ONCE)).runs
    assert await folding.fold_round(tracking.pool, AT_ONCE) == 0
    assert await folding.fold_round(tracking.pool, Pace(quiet=0.01, retry=0.0)) == 1
    assert await _is_folded(tracking.pool, run_id)


async def test_a_run_that_cannot_be_folded_keeps_no_other_from_it(tracking: Tracking) -> None:
    runs = [await _run(tracking) for _ in range(3)]
    # Stored as if by a damaged disk: no zlib data.
    await tracking.pool.execute(
        "INSERT INTO run_documents VALUES ($1, $2, 1, 5, 'damaged')", PROJECT, runs[0]
    )
    await folding.fold_round(tracking.pool, AT_ONCE)
    assert [await _is_folded(tracking.pool, each) for each in runs] == [False, True, True]


async def test_a_run_whose_experiment_was_purged_is_not_folded(tracking: Tracking) -> None:
    """The migration found no number for it. Its own purge was interrupted, and will end."""
    run_id = await _run(tracking)
    await tracking.pool.execute("UPDATE runs SET experiment_number = NULL")
    assert await folding.fold_round(tracking.pool, AT_ONCE) == 0
    assert not await _is_folded(tracking.pool, run_id)


async def test_points_of_a_run_that_is_marked_meanwhile_are_accepted(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame has points of a folded run and of another one, which is marked after its points were written."""
    folded = await _folded(tracking)
    other = await _run(tracking)
    unfold = log.unfold

    async def mark_and_unfold(*arguments: Any) -> None:
        await folding.mark(tracking.pool, AT_ONCE)
        await unfold(*arguments)

    monkeypatch.setattr(log, "unfold", mark_and_unfold)
    answers = await tracking.frame(
        *[
            ("LogMetric", {"run_id": each, "key": "x", "value": 1.0, "timestamp": 1, "step": 1})
            for each in (folded, other)
        ]
    )
    assert answers == [{}, {}]
    assert [(await tracking.data(each))["metrics"]["x"] for each in (folded, other)] == [1, 1]


async def test_points_of_a_run_that_is_marked_anew_are_accepted(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer unfolds the run first, and it is marked again at once because it has finished."""
    run_id = await _folded(tracking)
    await tracking.call("UpdateRun", run_id=run_id, status="FINISHED")
    unfold = log.unfold
    calls = 0

    async def unfold_elsewhere(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            await unfold(*arguments)
            return
        await tracking.call("SetTag", run_id=run_id, key="other", value="writer")
        await unfold(*arguments)
        await folding.mark(tracking.pool, AT_ONCE)

    monkeypatch.setattr(log, "unfold", unfold_elsewhere)
    await tracking.call("LogMetric", run_id=run_id, key="x", value=1.0, timestamp=1, step=1)
    assert (await tracking.data(run_id))["metrics"]["x"] == 1


async def test_writers_and_folding_at_once_lose_nothing(tracking: Tracking) -> None:
    runs = [await _run(tracking) for _ in range(4)]
    eager = Pace(quiet=0.0, retry=0.0, share=1.0)
    stop = asyncio.Event()

    async def fold() -> None:
        while not stop.is_set():
            await folding.fold_round(tracking.pool, eager)

    async def write(run_id: str) -> None:
        for step in range(2, 40):
            await tracking.call(
                "LogMetric", run_id=run_id, key="loss", value=float(step), timestamp=2, step=step
            )
            assert (await tracking.data(run_id))["metrics"]["loss"] == step
            await tracking.call("SetTag", run_id=run_id, key="step", value=str(step))
            assert (await tracking.data(run_id))["tags"]["step"] == str(step)

    folders = [asyncio.create_task(fold()) for _ in range(2)]
    try:
        await asyncio.gather(*map(write, runs))
    finally:
        stop.set()
        await asyncio.gather(*folders)
    for run_id in runs:
        assert await _read(tracking, run_id) == await _read_unfolded(tracking, run_id)


async def test_backlog_is_folded_in_parts_that_make_up_all_runs(tracking: Tracking) -> None:
    pace = Pace(quiet=0.01, retry=0.0, marked=20, parts=4)
    runs = [await tracking.run(start_time=number) for number in range(20)]
    assert await folding.next_parts(tracking.pool, pace) == [folding.ALL_RUNS]
    runs.append(await tracking.run(start_time=20))
    parts = await folding.next_parts(tracking.pool, pace)
    assert len(parts) == 4
    marked = [await folding.fold_round(tracking.pool, pace, None, part) for part in parts]
    assert sum(marked) == 21
    assert all(0 < count < 21 for count in marked)
    assert all([await _is_folded(tracking.pool, each) for each in runs])
    assert await folding.next_parts(tracking.pool, pace) == [folding.ALL_RUNS]
