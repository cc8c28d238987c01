"""Histories of metrics: pages, several runs, samples."""

import base64
from random import Random
from typing import Any

import pytest

from shared.contracts.errors import DomainError
from tests.integration.tracking.conftest import Tracking


async def log(tracking: Tracking, run_id: str, values: list[tuple[int, int, Any]]) -> None:
    metrics = [{"key": "m", "timestamp": t, "step": s, "value": v} for t, s, v in values]
    await tracking.call("LogBatch", run_id=run_id, metrics=metrics)


async def test_history_is_by_timestamp_step_value(tracking: Tracking) -> None:
    run_id = await tracking.run()
    points = [(1, 5, 0.5), (1, 5, 0.7), (1, 6, -1), (2, 0, -1), (2, 0, "NaN"), (2, 0, 3)]
    await log(tracking, run_id, points[::-1])
    assert await tracking.history(run_id, "m") == points


@pytest.mark.parametrize("size", [1, 2, 3, 9, 10])
async def test_pages_make_up_the_history(tracking: Tracking, size: int) -> None:
    run_id = await tracking.run()
    points = [(t, -t, v) for t in range(2) for v in (-1.5, 0, "NaN", 2.5)] + [(9, 9, 9.25)]
    await log(tracking, run_id, points)
    pages, token = [], None
    while True:
        reply = await tracking.call(
            "GetMetricHistory",
            run_id=run_id,
            metric_key="m",
            max_results=size,
            page_token=token,
        )
        pages.append([(p["timestamp"], p["step"], p["value"]) for p in reply["metrics"]])
        token = reply.get("next_page_token")
        if token is None:
            break
    assert [point for page in pages for point in page] == points
    assert len(pages) == -(-len(points) // size)


async def test_history_of_nothing_is_empty(tracking: Tracking) -> None:
    for run_id in (await tracking.run(), "0" * 32, "nonsense"):
        assert await tracking.history(run_id, "m") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"max_results": 0},
        {"page_token": "x"},
        {"page_token": "WzFd"},
        {"page_token": base64.urlsafe_b64encode(b"[" * 100_000).decode()},
        {"page_token": base64.urlsafe_b64encode(b'["1",1,1]').decode()},
        {"page_token": base64.urlsafe_b64encode(b"[9223372036854775808,1,1]").decode()},
        {"page_token": base64.urlsafe_b64encode(b"[1,1,1%s]" % (b"0" * 400)).decode()},
    ],
    ids=[
        "no results",
        "not base64",
        "too short",
        "too deep",
        "text",
        "too large an integer",
        "too large a number",
    ],
)
async def test_bad_pages_are_refused(tracking: Tracking, fields: dict[str, Any]) -> None:
    with pytest.raises(DomainError, match=r"max_results|page token"):
        await tracking.call("GetMetricHistory", run_id="a", metric_key="m", **fields)


async def test_bulk_is_by_run_and_bounded(tracking: Tracking) -> None:
    one, two = sorted([await tracking.run(), await tracking.run()])
    for run_id in (one, two):
        await log(tracking, run_id, [(1, 1, 1.5), (2, 2, 2.5)])
    asked = {"run_id": [two, one, "nonsense"], "metric_key": "m"}
    reply = await tracking.call("GetMetricHistoryBulk", max_results=3, **asked)
    assert [(p["run_id"], p["value"]) for p in reply["metrics"]] == [
        (one, 1.5), (one, 2.5), (two, 1.5),
    ]  # fmt: skip
    with pytest.raises(DomainError, match="cannot specify more than 100 run_ids"):
        await tracking.call("GetMetricHistoryBulk", run_id=["a"] * 101, metric_key="m")
    with pytest.raises(DomainError, match="at least one run_id"):
        await tracking.call("GetMetricHistoryBulk", metric_key="m")


@pytest.mark.parametrize(
    ("limit", "steps"),
    [(1, [9]), (2, [0, 9]), (3, [0, 4, 9]), (9, [0, 2, 3, 4, 5, 6, 7, 8, 9]), (10, [*range(10)])],
)
async def test_sample_keeps_the_ends(tracking: Tracking, limit: int, steps: list[int]) -> None:
    run_id = await tracking.run()
    await log(tracking, run_id, [(100 - step, step, step) for step in range(10)])
    reply = await tracking.call(
        "GetMetricHistoryBulkInterval",
        run_ids=[run_id],
        metric_key="m",
        max_results=limit,
    )
    assert [p["step"] for p in reply["metrics"]] == steps


def mlflow_sample(points: list[tuple[int, int, Any]], limit: int) -> list[tuple[int, int, Any]]:
    """Restate MLflow's rule: of ``limit`` buckets of neighbours the first of each, and the very last."""
    ordered = sorted(
        points, key=lambda p: (p[1], p[0], 0 if p[2] == "NaN" else p[2], p[2] == "NaN")
    )
    size, larger = divmod(len(ordered), limit)
    starts = [size * bucket + min(bucket, larger) for bucket in range(limit)]
    chosen = [ordered[start] for start in starts if start < len(ordered)]
    if chosen[-1] != ordered[-1]:
        chosen[-1] = ordered[-1]
    return chosen


@pytest.mark.parametrize("seed", range(8))
async def test_samples_of_repeated_steps_are_mlflows(tracking: Tracking, seed: int) -> None:
    random = Random(seed)
    values = [-1.5, 0.0, 0.5, 3.25, "NaN"]
    span = random.choice([1, 3, 30])
    points = sorted(
        {
            (random.randrange(4), random.randrange(-span, span), random.choice(values))
            for _ in range(random.choice([1, 5, 60]))
        },
        key=str,
    )
    run_id = await tracking.run()
    await log(tracking, run_id, points)
    for limit in (1, 2, 3, 5, 7, 20, 100):
        reply = await tracking.call(
            "GetMetricHistoryBulkInterval", run_ids=[run_id], metric_key="m", max_results=limit
        )
        found = [(p["timestamp"], p["step"], p["value"]) for p in reply["metrics"]]
        size = min(limit, len(points))
        assert found == mlflow_sample(points, size), (limit, points)


async def test_steps_may_be_as_large_as_those_that_are_logged(tracking: Tracking) -> None:
    run_id = await tracking.run()
    last = 2**63 - 1
    await log(tracking, run_id, [(1, step, 0.5) for step in (-(2**63), 0, 2**40, last)])
    asked = {"run_ids": [run_id], "metric_key": "m", "start_step": 1, "end_step": last}
    reply = await tracking.call("GetMetricHistoryBulkInterval", **asked)
    assert [point["step"] for point in reply["metrics"]] == [2**40, last]


async def test_sample_follows_the_order_of_runs_and_the_steps(
    tracking: Tracking,
) -> None:
    two, one = sorted([await tracking.run(), await tracking.run()])
    for run_id in (one, two):
        await log(tracking, run_id, [(s, s, 0.5) for s in range(6)])
    reply = await tracking.call(
        "GetMetricHistoryBulkInterval",
        run_ids=[one, two],
        metric_key="m",
        start_step=2,
        end_step=3,
    )
    assert [(p["run_id"], p["step"]) for p in reply["metrics"]] == [
        (one, 2), (one, 3), (two, 2), (two, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"start_step": 1},
        {"start_step": 2, "end_step": 1},
        {"max_results": 0},
        {"max_results": 2501},
        {"run_ids": []},
        {"run_ids": ["a"] * 101},
        {"metric_key": ""},
    ],
)
async def test_bad_samples_are_refused(tracking: Tracking, fields: dict[str, Any]) -> None:
    asked = {"run_ids": ["0" * 32], "metric_key": "m", **fields}
    with pytest.raises(DomainError, match=r"step|max_results|run_ids|metric_key"):
        await tracking.call("GetMetricHistoryBulkInterval", **asked)
