"""GitLab's dialect: each version is a run as well, a new one or one that was there."""

import asyncio
import json
import re
import time
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.messages import Frame, new_id
from tests.integration.registry.both import Both
from tests.integration.registry.conftest import envelope
from tests.service_pools import Pool

NICKNAME = re.compile(r"[a-z]+-[a-z]+-[a-z]+-\d{1,4}")


@pytest.fixture
async def both(registry_pool: Pool, tracking_pool: Pool) -> Both:
    both = Both(registry_pool, tracking_pool)
    await both.model("m")
    return both


async def refusal(both: Both, message: str, **fields: Any) -> str:
    """Return the sentence of a refusal, whose code is INVALID_PARAMETER_VALUE."""
    with pytest.raises(DomainError) as caught:
        await both.ask(message, **fields)
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    return caught.value.message


async def test_a_version_has_a_new_run_whose_artifacts_are_its_own(both: Both) -> None:
    experiment = await both.experiment("[model]m")
    no_locations = ["", "1.0.0", "anything at all", "../etc", "http://[", "c:/m"]
    for patch, source in enumerate(no_locations):
        version = await both.version("m", source=source)
        run = await both.run(version["run_id"])
        assert run["info"]["experiment_id"] == experiment["experiment_id"]
        assert NICKNAME.fullmatch(run["info"]["run_name"])
        assert (run["info"]["user_id"], run["info"]["status"]) == ("42", "RUNNING")
        assert version["source"] == run["info"]["artifact_uri"]
        assert version["aliases"] == [f"1.0.{patch}"]
        uri = await both.ask("GetModelVersionDownloadUri", name="m", version=f"1.0.{patch}")
        assert uri == {"artifact_uri": run["info"]["artifact_uri"]}


async def test_a_run_can_be_promoted_and_keeps_what_was_logged(both: Both) -> None:
    run = (await both.new_run(experiment_id="0"))["info"]
    source = f"{run['artifact_uri']}/model"
    version = await both.version("m", source=source, run_id=run["run_id"])
    assert (version["run_id"], version["source"]) == (run["run_id"], source)
    uri = await both.ask("GetModelVersionDownloadUri", name="m", version=version["version"])
    assert uri == {"artifact_uri": source}
    again = await both.version("m", source=f"runs:/{run['run_id']}", run_id=run["run_id"])
    assert again["run_id"] == run["run_id"]
    unsaid = await both.version("m", run_id=run["run_id"])
    assert unsaid["source"] == run["artifact_uri"]


async def test_a_run_of_the_models_experiment_is_promoted_once(both: Both) -> None:
    number = (await both.experiment("[model]m"))["experiment_id"]
    run_id = (await both.new_run(experiment_id=number))["info"]["run_id"]
    await both.version("m", run_id=run_id)
    said = await refusal(both, "CreateModelVersion", name="m", run_id=run_id)
    assert said == "Run has already a model version"
    made = (await both.version("m"))["run_id"]
    assert await refusal(both, "CreateModelVersion", name="m", run_id=made) == said


async def test_runs_that_are_not_there_are_not_promoted(both: Both) -> None:
    deleted = (await both.new_run(experiment_id="0"))["info"]["run_id"]
    await both.ask("DeleteRun", run_id=deleted)
    for run_id in ("0" * 32, "no run", "../x", deleted):
        said = await refusal(both, "CreateModelVersion", name="m", run_id=run_id)
        assert said == "Run not found"
    said = await refusal(
        both, "CreateModelVersion", name="m", run_id="0" * 32, source="mlflow-artifacts:/7/0/x"
    )
    assert said == "Run not found"
    foreign = (await both.new_run(experiment_id="0"))["info"]
    said = await refusal(
        both, "CreateModelVersion", name="m", source=foreign["artifact_uri"] + "/model"
    )
    assert "must identify the resource that contains the source" in said


async def test_refused_versions_leave_no_run(both: Both) -> None:
    await both.version("m")
    for text in ("1.0.0", "1"):
        tags = [{"key": "gitlab.version", "value": text}]
        await refusal(both, "CreateModelVersion", name="m", tags=tags)
    with pytest.raises(DomainError, match="Registered Model with name=n not found"):
        await both.version("n")
    assert await both.tracking_pool.fetchval("SELECT count(*) FROM runs") == 1


async def test_a_versions_run_is_not_for_clients_to_delete(both: Both) -> None:
    made = await both.version("m")
    run_id = (await both.new_run(experiment_id="0"))["info"]["run_id"]
    promoted = await both.version("m", run_id=run_id)
    for version, dialect in product((made, promoted), ("gitlab", "mlflow")):
        with pytest.raises(DomainError) as caught:
            await both.ask("DeleteRun", dialect, run_id=version["run_id"])
        assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
        assert caught.value.message == "Cannot delete a candidate associated to a model version"


async def test_a_deleted_version_takes_the_run_that_was_made_for_it(both: Both) -> None:
    made = await both.version("m")
    run_id = (await both.new_run(experiment_id="0"))["info"]["run_id"]
    promoted = await both.version("m", run_id=run_id)
    for version in (made, promoted):
        await both.ask("DeleteModelVersion", name="m", version=version["version"])
    await both.spread_events(twice=True)
    stages = [(await both.run(v["run_id"]))["info"]["lifecycle_stage"] for v in (made, promoted)]
    assert stages == ["deleted", "active"]
    await both.ask("DeleteRun", run_id=run_id)


async def test_a_run_stays_while_another_version_has_it(both: Both) -> None:
    await both.model("n")
    made = await both.version("m")
    await both.version("n", run_id=made["run_id"])
    await both.ask("DeleteModelVersion", name="m", version=made["version"])
    await both.spread_events()
    assert (await both.run(made["run_id"]))["info"]["lifecycle_stage"] == "active"


async def test_a_create_that_stopped_half_way_has_one_run_when_it_comes_again(both: Both) -> None:
    command = replace(envelope("CreateModelVersion", name="m"), dialect="gitlab")
    both.fault = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "killed")
    with pytest.raises(DomainError) as caught:
        await both.send(command)
    assert caught.value.code is ErrorCode.REQUEST_LIMIT_EXCEEDED
    reply = await both.send(replace(command, deadline=time.time() + 60))
    assert reply["model_version"]["aliases"] == ["1.0.0"]
    rows = await both.tracking_pool.fetch("SELECT run_id FROM runs")
    assert [row["run_id"].hex for row in rows] == [reply["model_version"]["run_id"]]
    assert await both.tracking_pool.fetchval("SELECT count(*) FROM version_runs") == 1


async def test_fifty_at_once_have_a_run_each(both: Both) -> None:
    made = await asyncio.gather(*(both.version("m") for _ in range(50)))
    assert {each["aliases"][0] for each in made} == {f"1.0.{patch}" for patch in range(50)}
    assert len({each["run_id"] for each in made}) == len({each["version"] for each in made}) == 50
    ours = await both.ask("SearchModelVersions", "mlflow", filter="name = 'm'")
    numbers = {int(each["version"]) for each in ours["model_versions"]}
    assert numbers == set(range(1, 51))


async def test_a_copy_has_the_artifacts_of_the_original(both: Both) -> None:
    await both.model("n")
    first = await both.version("m")
    for name, wanted in (("n", first["version"]), ("n", "1.0.0"), ("m", "1.0.0")):
        copy = await both.version(name, source=f"models:/m/{wanted}")
        assert copy["source"] == f"models:/m/{first['version']}"
        # In the model's own experiment a run has one version; a second one gets a run of its own.
        assert (copy["run_id"] == first["run_id"]) == (name == "n")
        uri = await both.ask("GetModelVersionDownloadUri", name=name, version=copy["version"])
        assert uri == {"artifact_uri": first["source"]}


async def test_a_logged_model_names_the_versions_made_from_it(both: Both) -> None:
    run_id = (await both.new_run(experiment_id="0"))["info"]["run_id"]
    reply = await both.ask("CreateLoggedModel", experiment_id="0", name="x", source_run_id=run_id)
    model_id = reply["model"]["info"]["model_id"]
    origin = {"source": f"models:/{model_id}", "model_id": model_id}
    first = await both.version("m", **origin)
    await both.version("m", "mlflow", **origin)
    await both.spread_events(twice=True)
    reply = await both.ask("GetLoggedModel", model_id=model_id)
    tags = {tag["key"]: tag["value"] for tag in reply["model"]["info"]["tags"]}
    assert json.loads(tags["mlflow.modelVersions"]) == [
        {"name": "m", "version": first["version"]},
        {"name": "m", "version": "2"},
    ]
    assert (first["model_id"], first["run_id"]) == (model_id, run_id)


async def test_mlflow_versions_have_no_run_of_their_own(both: Both) -> None:
    version = await both.version("m", "mlflow", source="s3://b/p")
    assert version.get("run_id", "") == ""
    with pytest.raises(DomainError) as caught:
        await both.version("m", "mlflow")
    assert caught.value.message.startswith("Missing value for required parameter 'source'")


async def test_unnamed_runs_have_generated_names_and_belong_to_the_caller(both: Both) -> None:
    for more in ({}, {"run_name": " "}):
        run = await both.new_run(experiment_id="0", user_id="eve", **more)
        assert NICKNAME.fullmatch(run["info"]["run_name"])
        assert run["info"]["user_id"] == "42"
    named = await both.new_run(experiment_id="0", run_name="n")
    assert named["info"]["run_name"] == "n"
    run_id = named["info"]["run_id"]
    for value in ("123", "no job"):
        await both.ask("SetTag", run_id=run_id, key="gitlab.CI_JOB_ID", value=value)
    found = await both.run(run_id)
    assert {"key": "gitlab.CI_JOB_ID", "value": "no job"} in found["data"]["tags"]
    by_number = await both.ask("GetRunByIid", iid=int(found["info"]["iid"]))
    assert by_number["run"] == found
    with pytest.raises(DomainError, match="Run with id=candidate:0 not found"):
        await both.ask("GetRunByIid", iid=0)


async def test_runs_of_other_projects_are_not_promoted(both: Both) -> None:
    elsewhere = replace(envelope("CreateRun", experiment_id="0"), project=8)
    run_id = (await both.send(elsewhere))["run"]["info"]["run_id"]
    assert await refusal(both, "CreateModelVersion", name="m", run_id=run_id) == "Run not found"
    number = (await both.run((await both.version("m"))["run_id"]))["info"]["iid"]
    with pytest.raises(DomainError, match=f"Run with id=candidate:{number} not found"):
        await both.send(replace(envelope("GetRunByIid", iid=int(number)), project=8))


async def test_frames_that_lock_models_in_opposite_orders_are_all_carried_out(both: Both) -> None:
    await both.model("n")

    async def frame(*names: str) -> None:
        commands = [
            replace(envelope("CreateModelVersion", name=name), dialect="gitlab") for name in names
        ]
        outcome = await both.registry.commands(
            Frame(new_id(), "commands", commands), redelivered=False
        )
        assert not outcome.poison
        assert [answer.error for answer in outcome.answers.values()] == [None, None]

    await asyncio.gather(*(frame(*names) for names in ("mn", "nm") * 2))
    versions = await both.ask("SearchModelVersions")
    runs = await both.tracking_pool.fetch("SELECT run_id FROM runs")
    assert sorted(row["run_id"].hex for row in runs) == sorted(
        each["run_id"] for each in versions["model_versions"]
    )
    assert len(runs) == 8
