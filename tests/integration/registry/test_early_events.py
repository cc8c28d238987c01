"""Tracking has handled what the registry tells it before the client is answered, and handles it once."""

import json
from typing import Any

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.messages import Frame, new_id
from tests.integration.registry.both import Both
from tests.integration.registry.conftest import envelope
from tests.service_pools import Pool

VERSIONS = "mlflow.modelVersions"


@pytest.fixture
async def both(registry_pool: Pool, tracking_pool: Pool) -> Both:
    both = Both(registry_pool, tracking_pool)
    await both.model("m")
    return both


async def _logged_model(both: Both) -> str:
    reply = await both.ask("CreateLoggedModel", experiment_id="0", name="x")
    model_id: str = reply["model"]["info"]["model_id"]
    return model_id


async def _tags(both: Both, model_id: str) -> dict[str, Any]:
    reply = await both.ask("GetLoggedModel", model_id=model_id)
    return {tag["key"]: tag["value"] for tag in reply["model"]["info"]["tags"]}


async def _version_of(both: Both, model_id: str) -> Any:
    return await both.version("m", source=f"models:/{model_id}", model_id=model_id)


async def test_the_run_of_a_version_goes_with_it(both: Both) -> None:
    version = await both.version("m")
    await both.ask("DeleteModelVersion", name="m", version=version["version"])
    assert (await both.run(version["run_id"]))["info"]["lifecycle_stage"] == "deleted"


async def test_what_a_client_writes_next_is_not_undone_by_the_event(both: Both) -> None:
    model_id = await _logged_model(both)
    version = await _version_of(both, model_id)
    named = [{"name": "m", "version": version["version"]}]
    assert json.loads((await _tags(both, model_id))[VERSIONS]) == named
    await both.ask("DeleteLoggedModelTag", model_id=model_id, tag_key=VERSIONS)
    await both.spread_events()
    assert VERSIONS not in await _tags(both, model_id)


@pytest.mark.parametrize("arrives", [False, True], ids=["tracking is away", "its answer is lost"])
async def test_a_client_is_answered_although_tracking_does_not(both: Both, arrives: bool) -> None:
    model_id = await _logged_model(both)
    version = await _version_of(both, model_id)
    await both.spread_events()
    if arrives:
        both.fault = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "lost")
    both.away = not arrives
    await both.ask("DeleteModelVersion", name="m", version=version["version"])
    assert (await both.experiment("[model]m"))["lifecycle_stage"] == "active"
    await both.ask("DeleteRegisteredModel", name="m")
    assert (await both.experiment("[model]m") is None) == arrives
    await both.spread_events()
    assert await both.experiment("[model]m") is None
    assert (await both.run(version["run_id"]))["info"]["lifecycle_stage"] == "deleted"


async def test_a_refused_command_tells_nothing(both: Both) -> None:
    with pytest.raises(DomainError, match="not found"):
        await both.ask("DeleteModelVersion", name="m", version="999")
    assert (await both.experiment("[model]m"))["lifecycle_stage"] == "active"


async def test_several_deletions_in_one_frame_are_all_followed(both: Both) -> None:
    names = [f"n{number}" for number in range(5)]
    for name in names:
        await both.model(name)
    commands = [envelope("DeleteRegisteredModel", name=name) for name in (*names, "none")]
    frame = Frame(new_id(), "commands", commands)
    answers = (await both.registry.commands(frame, redelivered=False)).answers
    assert [bool(answers[index].error) for index in range(6)] == [False] * 5 + [True]
    assert [await both.experiment(f"[model]{name}") for name in names] == [None] * len(names)
