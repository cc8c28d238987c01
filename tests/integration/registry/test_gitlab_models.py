"""GitLab's dialect: a model's own experiment, which is made, renamed and deleted with it."""

import asyncio
import time
from dataclasses import replace
from itertools import product

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.registry.both import Both
from tests.integration.registry.conftest import envelope
from tests.service_pools import Pool


@pytest.fixture
async def both(registry_pool: Pool, tracking_pool: Pool) -> Both:
    return Both(registry_pool, tracking_pool)


async def test_an_experiment_comes_and_goes_with_its_model(both: Both) -> None:
    await both.model("m")
    experiment = await both.experiment("[model]m")
    assert experiment["lifecycle_stage"] == "active"
    run = await both.new_run(experiment_id=experiment["experiment_id"])
    await both.ask("DeleteRegisteredModel", name="m")
    assert await both.experiment("[model]m") is None
    await both.spread_events(twice=True)
    gone = await both.ask("GetExperiment", experiment_id=experiment["experiment_id"])
    assert gone["experiment"]["lifecycle_stage"] == "deleted"
    assert (await both.run(run["info"]["run_id"]))["info"]["lifecycle_stage"] == "deleted"


@pytest.mark.parametrize("taken", ["[model]m", "m"])
async def test_a_model_may_not_take_an_experiments_name(both: Both, taken: str) -> None:
    await both.ask("CreateExperiment", name=taken)
    with pytest.raises(DomainError) as caught:
        await both.model("m")
    assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS
    with pytest.raises(DomainError, match="not found"):
        await both.ask("GetRegisteredModel", name="m")
    await both.model("m", "mlflow")


async def test_a_model_that_is_there_is_refused_and_keeps_its_experiment(both: Both) -> None:
    await both.model("m")
    before = await both.experiment("[model]m")
    with pytest.raises(DomainError, match=r"Registered Model \(name=m\) already exists"):
        await both.model("m")
    assert await both.experiment("[model]m") == before


async def test_of_many_creates_at_once_one_makes_model_and_experiment(both: Both) -> None:
    made = await asyncio.gather(*(both.model("m") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(each, dict) for each in made) == 1
    await both.version("m")
    assert await both.tracking_pool.fetchval("SELECT count(*) FROM experiments") == 2


async def test_a_new_model_of_the_same_name_starts_with_an_empty_experiment(both: Both) -> None:
    await both.model("m")
    old = await both.experiment("[model]m")
    await both.ask("DeleteRegisteredModel", name="m")
    await both.model("m")
    await both.spread_events()
    new = await both.experiment("[model]m")
    assert new["experiment_id"] != old["experiment_id"]
    assert new["lifecycle_stage"] == "active"


async def test_a_create_that_stopped_half_way_is_finished_when_it_comes_again(both: Both) -> None:
    command = replace(envelope("CreateRegisteredModel", name="m"), dialect="gitlab")
    both.fault = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "killed")
    with pytest.raises(DomainError) as caught:
        await both.send(command)
    assert caught.value.code is ErrorCode.REQUEST_LIMIT_EXCEEDED
    experiment = await both.experiment("[model]m")
    await both.send(replace(command, deadline=time.time() + 60))
    assert await both.experiment("[model]m") == experiment
    # Another command may find what a third one that never came again has left.
    await both.ask("DeleteRegisteredModel", name="m")
    both.fault = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "killed")
    with pytest.raises(DomainError):
        await both.model("m")
    await both.model("m")
    assert (await both.version("m"))["run_id"]


async def test_a_models_experiment_is_not_for_clients_to_delete_or_rename(both: Both) -> None:
    await both.model("m")
    number = (await both.experiment("[model]m"))["experiment_id"]
    changes = (
        ("DeleteExperiment", {}, "delete"),
        ("UpdateExperiment", {"new_name": "x"}, "rename"),
    )
    for dialect, (message, more, what) in product(("gitlab", "mlflow"), changes):
        with pytest.raises(DomainError) as caught:
            await both.ask(message, dialect, experiment_id=number, **more)
        assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
        assert caught.value.message == f"Cannot {what} an experiment associated to a model"
    await both.ask("SetExperimentTag", experiment_id=number, key="k", value="v")


async def test_an_experiment_follows_its_models_name(both: Both) -> None:
    await both.model("m")
    before = await both.experiment("[model]m")
    await both.ask("RenameRegisteredModel", "mlflow", name="m", new_name="n")
    after = await both.experiment("[model]n")
    assert after["experiment_id"] == before["experiment_id"]
    assert await both.experiment("[model]m") is None
    await both.ask("CreateExperiment", name="[model]o")
    with pytest.raises(DomainError) as caught:
        await both.ask("RenameRegisteredModel", name="n", new_name="o")
    assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS
    assert (await both.ask("GetRegisteredModel", name="n"))["registered_model"]["name"] == "n"


async def test_what_mlflow_made_has_no_experiment_before_it_needs_one(both: Both) -> None:
    await both.ask("CreateExperiment", name="m")
    await both.model("m", "mlflow")
    await both.ask("RenameRegisteredModel", "mlflow", name="m", new_name="n")
    await both.ask("RenameRegisteredModel", "mlflow", name="n", new_name="m")
    assert await both.experiment("[model]m") is None
    version = await both.version("m")
    run = await both.run(version["run_id"])
    experiment = await both.experiment("[model]m")
    assert run["info"]["experiment_id"] == experiment["experiment_id"]


async def test_prompts_have_no_experiment(both: Both) -> None:
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    await both.model("p", tags=tags)
    version = await both.version("p", source="prompt-template", tags=tags)
    assert (version["version"], version.get("run_id", "")) == ("1", "")
    assert await both.experiment("[model]p") is None
