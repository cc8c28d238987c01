"""The largest requests that MLflow's limits allow pass a broker that takes messages of 16 MiB."""

import base64
import random

import pytest

from tests.rest import api, metric

PROFILE, SCHEMA, SOURCE = 16_777_215, 1_048_575, 65_535
"""Characters (``MAX_DATASET_PROFILE_SIZE`` and its neighbours in ``mlflow/utils/validation.py``)."""


def noise(characters: int) -> str:
    """Return text that hardly can be deflated, but to three quarters."""
    return base64.b64encode(random.Random(1).randbytes(characters)).decode()[:characters]


def pairs(prefix: str, number: int, value: str) -> list[dict[str, str]]:
    return [{"key": f"{prefix}{index}", "value": value} for index in range(number)]


@pytest.fixture
async def rest(warren):
    async with api(warren.url) as opened:
        yield opened


@pytest.fixture
async def run(rest):
    return await rest.new_run("0")


async def test_a_dataset_may_be_as_long_as_mlflow_lets_it(rest, run):
    dataset = {
        "name": "n",
        "digest": "d",
        "source_type": "local",
        "source": noise(SOURCE),
        "schema": noise(SCHEMA),
        "profile": noise(PROFILE),
    }
    await rest.done("runs/log-inputs", {"run_id": run, "datasets": [{"dataset": dataset}]})
    found = await rest.get("runs/get", run_id=run)
    assert found.body["run"]["inputs"]["dataset_inputs"][0]["dataset"] == dataset
    longer = {**dataset, "profile": dataset["profile"] + "x"}
    refused = await rest.post("runs/log-inputs", {"run_id": run, "datasets": [{"dataset": longer}]})
    assert refused.status == 400
    assert refused.body["message"] == "'profile' exceeds the maximum length of 16777215 characters"


@pytest.mark.parametrize(
    "batch",
    [
        {"params": pairs("p", 45, "漢" * 1333)},
        {
            "metrics": [
                metric(f"metrics/of/the/validation/{number}", 0.5, 1) for number in range(700)
            ],
            "params": pairs("p", 80, "漢字" * 3000),
            "tags": pairs("t", 80, "漢字" * 4000),
        },
        {"params": pairs("p", 100, "漢字" * 3000), "tags": pairs("t", 100, "漢字" * 4000)},
    ],
    ids=["many params", "of everything", "all that fits"],
)
async def test_a_batch_may_be_as_long_as_its_entries_may(rest, run, batch):
    """Escaped as JSON, the last one has 8.4 MB."""
    await rest.done("runs/log-batch", {"run_id": run, **batch})
    data = (await rest.get("runs/get", run_id=run)).body["run"]["data"]
    assert {each["key"]: each["value"] for each in data["params"]} == {
        each["key"]: each["value"] for each in batch["params"]
    }
    assert len(data.get("metrics", [])) == len(batch.get("metrics", []))


async def test_what_no_message_can_carry_is_refused_and_nothing_else(stack_warren):
    async with api(stack_warren.url) as rest:
        run = await rest.new_run("0")
        datasets = [
            {"dataset": {"name": name, "digest": "d", "source_type": "l", "source": "s", "profile": noise(15_000_000)}}
            for name in "ab"
        ]  # fmt: skip
        answer = await rest.post("runs/log-inputs", {"run_id": run, "datasets": datasets})
        assert answer.status == 400
        assert "too large for the message broker" in answer.body["message"]
        await rest.done("runs/log-inputs", {"run_id": run, "datasets": datasets[:1]})
