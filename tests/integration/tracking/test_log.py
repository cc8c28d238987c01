"""What is logged to runs: metrics, params and tags, alone, in batches and in fused frames."""

import re
from typing import Any

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.tracking.conftest import Tracking

LARGEST = 1.7976931348623157e308


def point(key: str, value: Any, timestamp: int = 1, step: int = 0) -> dict[str, Any]:
    return {"key": key, "value": value, "timestamp": timestamp, "step": step}


async def test_latest_is_by_step_then_timestamp_then_value(tracking: Tracking) -> None:
    run_id = await tracking.run()
    for value, timestamp, step in (
        (5.0, 1, 3), (9.0, 9, 2), (1.0, 2, 3), (0.5, 2, 3), (0.9, 1, 3),
    ):  # fmt: skip
        await tracking.call("LogMetric", run_id=run_id, **point("m", value, timestamp, step))
    assert (await tracking.data(run_id))["metrics"] == {"m": 1.0}


async def test_latest_is_the_same_in_one_batch_in_any_order(tracking: Tracking) -> None:
    points = [point("m", v, t, s) for v, t, s in ((5, 1, 3), (9, 9, 2), (1, 2, 3))]
    for batch in (points, points[::-1], [*points[1:], points[0]]):
        run_id = await tracking.run()
        await tracking.call("LogBatch", run_id=run_id, metrics=batch)
        assert (await tracking.data(run_id))["metrics"] == {"m": 1.0}
        assert len(await tracking.history(run_id, "m")) == 3


async def test_identical_points_are_one_point(tracking: Tracking) -> None:
    run_id = await tracking.run()
    same = point("m", 1.5, 1, 1)
    await tracking.call("LogBatch", run_id=run_id, metrics=[same, same])
    await tracking.call("LogMetric", run_id=run_id, **same)
    for value in ("NaN", "NaN"):
        await tracking.call("LogMetric", run_id=run_id, **point("n", value))
    assert await tracking.history(run_id, "m") == [(1, 1, 1.5)]
    assert await tracking.history(run_id, "n") == [(1, 0, "NaN")]


async def test_infinities_become_the_largest_numbers(tracking: Tracking) -> None:
    run_id = await tracking.run()
    for key, value in (("a", "Infinity"), ("b", "-Infinity"), ("c", "NaN")):
        await tracking.call("LogMetric", run_id=run_id, **point(key, value))
    metrics = (await tracking.data(run_id))["metrics"]
    assert metrics == {"a": LARGEST, "b": -LARGEST, "c": "NaN"}


async def test_nan_counts_as_zero_among_points_of_one_moment(
    tracking: Tracking,
) -> None:
    run_id = await tracking.run()
    for value in (5.0, "NaN"):
        await tracking.call("LogMetric", run_id=run_id, **point("high", value))
    batch = [point("low", "NaN"), point("low", -5.0)]
    await tracking.call("LogBatch", run_id=run_id, metrics=batch)
    assert (await tracking.data(run_id))["metrics"] == {"high": 5.0, "low": "NaN"}


async def test_model_and_dataset_of_a_point_are_kept(tracking: Tracking) -> None:
    run_id = await tracking.run()
    reply = await tracking.call("CreateLoggedModel", experiment_id="0")
    model_id = reply["model"]["info"]["model_id"]
    of_model = {**point("m", 1), "model_id": model_id, "dataset_name": "d"}
    await tracking.call("LogBatch", run_id=run_id, metrics=[point("n", 2), of_model])
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["data"]["metrics"] == [of_model, point("n", 2)]
    reply = await tracking.call("GetMetricHistory", run_id=run_id, metric_key="m")
    assert reply["metrics"] == [of_model]


async def test_param_keeps_its_value(tracking: Tracking) -> None:
    run_id = await tracking.run()
    for value in ("1", "1"):
        await tracking.call("LogParam", run_id=run_id, key="p", value=value)
    with pytest.raises(DomainError) as caught:
        await tracking.call("LogParam", run_id=run_id, key="p", value="2")
    assert caught.value.code == ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message == (
        "Changing param values is not allowed. Param with key='p' was already logged with "
        f"value='1' for run ID='{run_id}'. Attempted logging new value '2'."
    )
    with pytest.raises(DomainError) as caught:
        await tracking.call("LogBatch", run_id=run_id, params=[{"key": "p", "value": "3"}])
    assert caught.value.message == (
        "Changing param values is not allowed. Params were already logged='[{'key': 'p', "
        f"'old_value': '1', 'new_value': '3'}}]' for run ID='{run_id}'."
    )


async def test_nothing_of_a_refused_batch_is_stored(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await tracking.call("LogParam", run_id=run_id, key="p", value="1")
    before = await tracking.data(run_id)
    with pytest.raises(DomainError):
        await tracking.call(
            "LogBatch",
            run_id=run_id,
            metrics=[point("m", 1)],
            params=[{"key": "new", "value": "x"}, {"key": "p", "value": "2"}],
            tags=[{"key": "t", "value": "x"}],
        )
    assert await tracking.data(run_id) == before


async def test_last_value_of_a_tag_in_a_batch_wins(tracking: Tracking) -> None:
    run_id = await tracking.run()
    tags = [{"key": "t", "value": v} for v in "123"]
    await tracking.call(
        "LogBatch",
        run_id=run_id,
        tags=[*tags, {"key": "mlflow.runName", "value": "named"}],
    )
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["info"]["run_name"] == "named"
    assert (await tracking.data(run_id))["tags"] == {"t": "3", "mlflow.runName": "named"}


async def test_long_values_are_cut_as_mlflow_cuts_them(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await tracking.call("LogParam", run_id=run_id, key="p", value="v" * 6001)
    await tracking.call("SetTag", run_id=run_id, key="t", value="v" * 8001)
    data = await tracking.data(run_id)
    assert (len(data["params"]["p"]), len(data["tags"]["t"])) == (6000, 8000)


@pytest.mark.parametrize(
    ("message", "fields", "complaint"),
    [
        ("LogMetric", point("a/../b", 1), "Invalid value \"a/../b\" for parameter 'name'"),
        ("LogMetric", point("k" * 251, 1), "'Metric name' exceeds the maximum length"),
        ("LogMetric", point("m", 1, -1), "Invalid value -1 for parameter 'timestamp'"),
        ("LogBatch", {"metrics": [point("ok", 1), point("é$", 1)]}, "'metrics[1].name'"),
        ("LogBatch", {"params": [{"key": "/p"}]}, "for parameter 'params[0].key'"),
        ("LogBatch", {"tags": [{"key": "k" * 251}]}, "'tags[0].key' exceeds"),
        ("LogParam", {"key": "."}, "This name would resolve to '.'"),
        ("SetTag", {"key": "a\nb"}, "Names may only contain alphanumerics"),
        ("LogBatch", {"metrics": [point("m", 1)] * 1001}, "at most 1000 metrics. Got 1001"),
        (
            "LogBatch",
            {"params": [{"key": f"p{n}"} for n in range(101)]},
            "at most 100 params. Got 101 params.",
        ),
        (
            "LogBatch",
            {"tags": [{"key": f"t{n}"} for n in range(101)]},
            "at most 100 tags. Got 101 tags.",
        ),
        (
            "LogBatch",
            {"metrics": [point("m", 1)] * 1000, "tags": [{"key": "t"}]},
            "at most 1000 metrics, params, and tags. Got 1001",
        ),
        (
            "LogBatch",
            {"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]},
            "Duplicate parameter keys have been submitted: ['p']",
        ),
    ],
)  # fmt: skip
async def test_bad_entries_are_refused(
    tracking: Tracking, message: str, fields: dict[str, Any], complaint: str
) -> None:
    run_id = await tracking.run()
    with pytest.raises(DomainError, match=re.escape(complaint)) as caught:
        await tracking.call(message, run_id=run_id, **fields)
    assert caught.value.code == ErrorCode.INVALID_PARAMETER_VALUE


async def test_a_bad_call_does_not_fail_its_neighbours(tracking: Tracking) -> None:
    good, deleted = await tracking.run(), await tracking.run()
    await tracking.call("DeleteRun", run_id=deleted)
    answers = await tracking.frame(
        ("LogMetric", {"run_id": good, **point("m", 1)}),
        ("LogMetric", {"run_id": deleted, **point("m", 1)}),
        ("LogMetric", {"run_id": "0" * 32, **point("m", 1)}),
        ("LogMetric", {"run_id": good, **point("m", 2, step=1)}),
        ("LogMetric", {"run_id": good, **point("bad$", 2)}),
    )
    assert [type(a).__name__ for a in answers] == [
        "dict", "DomainError", "DomainError", "dict", "DomainError",
    ]  # fmt: skip
    assert await tracking.history(good, "m") == [(1, 0, 1), (1, 1, 2)]
    assert await tracking.history(deleted, "m") == []


async def test_a_mixed_frame_is_judged_call_by_call(tracking: Tracking) -> None:
    one, two, deleted = [await tracking.run() for _ in range(3)]
    await tracking.call("DeleteRun", run_id=deleted)
    param = {"key": "p", "value": "first"}
    answers = await tracking.frame(
        ("LogParam", {"run_id": one, **param}),
        ("LogBatch", {
            "run_id": one,
            "params": [{"key": "p", "value": "second"}],
            "metrics": [point("m", 1)],
        }),
        ("LogBatch", {"run_id": two, "params": [param], "metrics": [point("m", 2)]}),
        ("SetTag", {"run_id": two, "key": "t", "value": "x"}),
        ("LogMetric", {"run_id": deleted, **point("m", 1)}),
        ("LogParam", {"run_id": one, **param}),
    )  # fmt: skip
    refused = [n for n, a in enumerate(answers) if isinstance(a, DomainError)]
    assert refused == [1, 4]
    assert (await tracking.data(one))["metrics"] == {}
    assert (await tracking.data(one))["params"] == {"p": "first"}
    data = await tracking.data(two)
    assert (data["metrics"], data["params"]) == ({"m": 2}, {"p": "first"})
    assert data["tags"]["t"] == "x"
    assert await tracking.history(deleted, "m") == []
