"""Inputs and outputs of runs."""

from typing import Any

import pytest

from shared.contracts.errors import DomainError
from tests.integration.tracking.conftest import Tracking


def read(name: str, digest: str = "d", context: str = "train", **more: Any) -> dict[str, Any]:
    dataset = {"name": name, "digest": digest, "source_type": "local", "source": "s"}
    tags = [{"key": "mlflow.data.context", "value": context}]
    return {"dataset": {**dataset, **more}, "tags": tags}


async def test_inputs_come_back_with_the_run(tracking: Tracking) -> None:
    run_id = await tracking.run()
    inputs = [read("a", schema="{}", profile="p"), read("b"), read("a", context="eval")]
    await tracking.call("LogInputs", run_id=run_id, datasets=inputs, models=[{"model_id": "m-1"}])
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["inputs"]["dataset_inputs"] == inputs[:2]
    assert run["inputs"]["model_inputs"] == [{"model_id": "m-1"}]


async def test_an_input_logged_again_keeps_its_tags(tracking: Tracking) -> None:
    run_id = await tracking.run()
    for context in ("train", "eval"):
        datasets = [read("a", context=context)]
        await tracking.call("LogInputs", run_id=run_id, datasets=datasets)
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["inputs"]["dataset_inputs"] == [read("a")]


async def test_search_finds_each_dataset_of_a_context_once(tracking: Tracking) -> None:
    await tracking.call("CreateExperiment", name="other")
    for experiment_id, context in (("0", "train"), ("0", "train"), ("0", "eval"), ("1", "x")):
        run_id = await tracking.run(experiment_id=experiment_id)
        datasets = [read("a", context=context)]
        await tracking.call("LogInputs", run_id=run_id, datasets=datasets)
    reply = await tracking.call("SearchDatasets", experiment_ids=["0"])
    assert reply["dataset_summaries"] == [
        {"experiment_id": "0", "name": "a", "digest": "d", "context": "eval"},
        {"experiment_id": "0", "name": "a", "digest": "d", "context": "train"},
    ]
    for experiment_ids in ([], ["0"] * 21):
        with pytest.raises(DomainError, match="SearchDatasets request"):
            await tracking.call("SearchDatasets", experiment_ids=experiment_ids)


async def test_inputs_and_outputs_come_back_in_the_order_they_were_logged(
    tracking: Tracking,
) -> None:
    runs = [await tracking.run() for _ in range(2)]
    names = ["z", "a", "m", "B", "c", "k"]
    for run_id, order in zip(runs, (names, names[::-1]), strict=True):
        for part in (order[:3], [order[1], *order[3:]]):
            models = [{"model_id": f"m-{name}"} for name in part]
            inputs = [read(name) for name in part]
            await tracking.call("LogInputs", run_id=run_id, datasets=inputs, models=models)
            made = [{**model, "step": 9 - step} for step, model in enumerate(models)]
            await tracking.call("LogOutputs", run_id=run_id, models=made)
        run = (await tracking.call("GetRun", run_id=run_id))["run"]
        read_back = [item["dataset"]["name"] for item in run["inputs"]["dataset_inputs"]]
        assert read_back == order
        ids = [f"m-{name}" for name in order]
        assert [model["model_id"] for model in run["inputs"]["model_inputs"]] == ids
        assert [model["model_id"] for model in run["outputs"]["model_outputs"]] == ids


async def test_outputs_come_back_with_the_run(tracking: Tracking) -> None:
    run_id = await tracking.run()
    for step in (1, 2):
        models = [{"model_id": "m-1", "step": step}]
        await tracking.call("LogOutputs", run_id=run_id, models=models)
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["outputs"]["model_outputs"] == [{"model_id": "m-1", "step": 2}]


@pytest.mark.parametrize(
    "more", [{"name": "n" * 501}, {"digest": "d" * 37}, {"source": "s" * 65536}]
)
async def test_texts_over_their_limits_are_refused(
    tracking: Tracking, more: dict[str, str]
) -> None:
    run_id = await tracking.run()
    datasets = [{"dataset": {**read("a")["dataset"], **more}}]
    with pytest.raises(DomainError, match="exceeds the maximum length"):
        await tracking.call("LogInputs", run_id=run_id, datasets=datasets)
