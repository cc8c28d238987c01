"""Logged models: their life, tags, params and metrics."""

from typing import Any

import pytest

from services.tracking.handlers import HANDLERS
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.metrics import LogMetric
from tests.integration.tracking.conftest import PROJECT, Tracking, parsed


async def create(tracking: Tracking, project: int = PROJECT, /, **fields: Any) -> dict[str, Any]:
    reply = await tracking.call("CreateLoggedModel", project, **{"experiment_id": "0", **fields})
    info: dict[str, Any] = reply["model"]["info"]
    return info


async def model(tracking: Tracking, model_id: str, **fields: Any) -> dict[str, Any]:
    reply = await tracking.call("GetLoggedModel", model_id=model_id, **fields)
    found: dict[str, Any] = reply["model"]
    return found


def pairs(**values: str) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


async def test_a_new_model_waits_for_its_artifacts_below_its_experiment(tracking: Tracking) -> None:
    info = await create(
        tracking, name="net", model_type="cnn", source_run_id="r", tags=pairs(t="1")
    )
    model_id = info["model_id"]
    assert len(model_id) == 34
    assert model_id.startswith("m-")
    times = (info.pop("creation_timestamp_ms"), info.pop("last_updated_timestamp_ms"))
    assert times[0] == times[1] > 0
    assert info == {
        "model_id": model_id,
        "experiment_id": "0",
        "name": "net",
        "artifact_uri": f"mlflow-artifacts:/{PROJECT}/0/models/{model_id}/artifacts",
        "status": "LOGGED_MODEL_PENDING",
        "model_type": "cnn",
        "source_run_id": "r",
        "tags": pairs(t="1"),
    }
    assert (await model(tracking, model_id))["data"] == {"params": [], "metrics": []}


async def test_a_location_with_a_query_string_keeps_it_at_the_end(tracking: Tracking) -> None:
    experiment = await tracking.call(
        "CreateExperiment", name="e", artifact_location="s3://bucket/a/?versionId=7"
    )
    info = await create(tracking, experiment_id=experiment["experiment_id"])
    assert info["artifact_uri"] == (
        f"s3://bucket/a/models/{info['model_id']}/artifacts?versionId=7"
    )


async def test_a_model_without_a_name_gets_one(tracking: Tracking) -> None:
    assert (await create(tracking, name=""))["name"].count("-") == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"name": "a/b"},
            (
                "Invalid model name ('a/b') provided. Model name must be a non-empty string and "
                "cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")"
            ),
        ),
        ({"name": "n" * 501}, "'name' exceeds the maximum length of 500 characters"),
        (
            {"source_run_id": "r" * 33},
            "'source_run_id' exceeds the maximum length of 32 characters",
        ),
        ({"tags": pairs(**{"k" * 256: ""})}, "'tags[0].key' exceeds the maximum length of 255"),
        ({"params": [*pairs(a="1"), *pairs(a="1")]}, "Duplicate parameter keys"),
        ({"experiment_id": "x"}, "Invalid experiment ID 'x'. Experiment ID must be a valid"),
        ({"experiment_id": ""}, "Missing value for required parameter 'experiment_id'."),
    ],
)
async def test_what_no_model_can_be_is_refused(
    tracking: Tracking, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(DomainError) as caught:
        await create(tracking, **fields)
    assert caught.value.code == ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message.startswith(message)


async def test_only_an_active_experiment_gets_models_but_a_deleted_one_shows_them(
    tracking: Tracking,
) -> None:
    with pytest.raises(DomainError, match="No Experiment with id=9 exists") as caught:
        await create(tracking, experiment_id="9")
    assert caught.value.code == ErrorCode.RESOURCE_DOES_NOT_EXIST
    await tracking.call("CreateExperiment", name="e")
    before = await create(tracking, experiment_id="1")
    await tracking.call("DeleteExperiment", experiment_id="1")
    with pytest.raises(DomainError, match="must be in the 'active' state"):
        await create(tracking, experiment_id="1")
    assert (await model(tracking, before["model_id"]))["info"] == before


async def test_finalizing_sets_the_status_as_often_as_asked(tracking: Tracking) -> None:
    model_id = (await create(tracking))["model_id"]
    for status, stored in (
        ("LOGGED_MODEL_READY", "LOGGED_MODEL_READY"),
        (3, "LOGGED_MODEL_UPLOAD_FAILED"),
    ):
        reply = await tracking.call("FinalizeLoggedModel", model_id=model_id, status=status)
        assert reply["model"]["info"]["status"] == stored
    for wrong in ("READY", 9, None):
        with pytest.raises(DomainError, match="'status'"):
            await tracking.call("FinalizeLoggedModel", model_id=model_id, status=wrong)


async def test_a_deleted_model_is_hidden_but_can_be_asked_for(tracking: Tracking) -> None:
    model_id = (await create(tracking))["model_id"]
    for _ in range(2):
        await tracking.call("DeleteLoggedModel", model_id=model_id)
    with pytest.raises(
        DomainError,
        match=f"^RESOURCE_DOES_NOT_EXIST: Logged model with ID '{model_id}' not found.$",
    ):
        await model(tracking, model_id)
    assert (await model(tracking, model_id, allow_deleted=True))["info"]["model_id"] == model_id
    assert f"{PROJECT}.logged_model.deleted" in tracking.events


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("GetLoggedModel", {}),
        ("FinalizeLoggedModel", {"status": 2}),
        ("DeleteLoggedModel", {}),
        ("SetLoggedModelTags", {"tags": pairs(a="1")}),
        ("DeleteLoggedModelTag", {"tag_key": "a"}),
        ("LogLoggedModelParams", {"params": pairs(a="1")}),
    ],
)
async def test_missing_models_and_those_of_other_projects_are_not_found(
    tracking: Tracking, message: str, fields: dict[str, Any]
) -> None:
    theirs = (await create(tracking, PROJECT + 1))["model_id"]
    for model_id in ("m-none", theirs):
        with pytest.raises(DomainError) as caught:
            await tracking.call(message, model_id=model_id, **fields)
        assert caught.value.code == ErrorCode.RESOURCE_DOES_NOT_EXIST
        assert caught.value.message == f"Logged model with ID '{model_id}' not found."


async def test_tags_are_overwritten_and_removed(tracking: Tracking) -> None:
    model_id = (await create(tracking, tags=pairs(a="1", b="2")))["model_id"]
    await tracking.call(
        "SetLoggedModelTags", model_id=model_id, tags=[*pairs(a="x"), *pairs(a="3")]
    )
    await tracking.call("DeleteLoggedModelTag", model_id=model_id, tag_key="b")
    assert (await model(tracking, model_id))["info"]["tags"] == pairs(a="3")
    with pytest.raises(DomainError) as caught:
        await tracking.call("DeleteLoggedModelTag", model_id=model_id, tag_key="b")
    assert caught.value.message == f"No tag with key 'b' found for model with ID '{model_id}'."


async def test_a_param_keeps_its_first_value_and_may_be_repeated(tracking: Tracking) -> None:
    model_id = (await create(tracking, params=pairs(a="1")))["model_id"]
    for _ in range(2):
        await tracking.call("LogLoggedModelParams", model_id=model_id, params=pairs(a="1", b="2"))
    with pytest.raises(DomainError, match="Changing param values is not allowed"):
        await tracking.call("LogLoggedModelParams", model_id=model_id, params=pairs(c="1", b="9"))
    assert (await model(tracking, model_id))["data"]["params"] == pairs(a="1", b="2")


def point(value: Any, model_id: str, **more: Any) -> dict[str, Any]:
    return {"key": "acc", "value": value, "timestamp": 1, "step": 0, "model_id": model_id, **more}


async def test_one_point_of_a_run_can_measure_two_models_and_two_datasets(
    tracking: Tracking,
) -> None:
    run_id = await tracking.run()
    first, second = [(await create(tracking))["model_id"] for _ in range(2)]
    on_test = {"dataset_name": "test", "dataset_digest": "d"}
    await tracking.call("LogMetric", run_id=run_id, **point(0.5, first))
    await tracking.call(
        "LogBatch",
        run_id=run_id,
        params=pairs(p="1"),
        metrics=[point(0.5, first), point(0.5, first, **on_test), point(0.5, second)],
    )
    assert await tracking.history(run_id, "acc") == [(1, 0, 0.5)]
    seen = {each: (await model(tracking, each))["data"]["metrics"] for each in (first, second)}
    assert seen == {
        first: [
            {**point(0.5, first), "run_id": run_id},
            {**point(0.5, first, **on_test), "run_id": run_id},
        ],
        second: [{**point(0.5, second), "run_id": run_id}],
    }


async def test_points_that_no_number_is_come_back_as_for_runs(tracking: Tracking) -> None:
    run_id = await tracking.run()
    model_id = (await create(tracking))["model_id"]
    metrics = [point(v, model_id, step=s) for s, v in enumerate(["NaN", "Infinity"])]
    await tracking.call("LogBatch", run_id=run_id, metrics=metrics)
    found = (await model(tracking, model_id))["data"]["metrics"]
    assert [each["value"] for each in found] == ["NaN", 1.7976931348623157e308]


async def test_a_call_that_measures_an_unknown_model_is_refused_alone(tracking: Tracking) -> None:
    run_id = await tracking.run()
    model_id = (await create(tracking))["model_id"]
    theirs = (await create(tracking, PROJECT + 1))["model_id"]
    answers = await tracking.frame(
        ("LogMetric", {"run_id": run_id, **point(1, model_id)}),
        (
            "LogBatch",
            {
                "run_id": run_id,
                "tags": pairs(t="1"),
                "metrics": [point(2, model_id), point(2, "m-none")],
            },
        ),
        ("LogMetric", {"run_id": run_id, **point(3, theirs)}),
        ("LogMetric", {"run_id": run_id, "key": "plain", "value": 4, "timestamp": 1}),
    )
    assert [isinstance(answer, DomainError) for answer in answers] == [False, True, True, False]
    assert answers[1].message == "Logged model with ID 'm-none' not found."
    assert await tracking.history(run_id, "acc") == [(1, 0, 1)]
    assert "t" not in (await tracking.data(run_id))["tags"]
    found = (await model(tracking, model_id))["data"]["metrics"]
    assert [each["value"] for each in found] == [1]


async def test_a_deleted_run_measures_nothing(tracking: Tracking) -> None:
    run_id, other = await tracking.run(), await tracking.run()
    model_id = (await create(tracking, source_run_id=run_id))["model_id"]
    await tracking.call("DeleteRun", run_id=run_id)
    answers = await tracking.frame(
        ("LogMetric", {"run_id": run_id, **point(1, model_id)}),
        ("LogMetric", {"run_id": other, **point(2, model_id)}),
    )
    assert isinstance(answers[0], DomainError)
    found = await model(tracking, model_id)
    assert [each["run_id"] for each in found["data"]["metrics"]] == [other]
    assert found["info"]["source_run_id"] == run_id


async def test_inputs_and_outputs_name_models_that_need_not_exist(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await tracking.call("LogInputs", run_id=run_id, models=[{"model_id": "m-none"}])
    await tracking.call("LogOutputs", run_id=run_id, models=[{"model_id": "m-none", "step": 3}])
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["inputs"]["model_inputs"] == [{"model_id": "m-none"}]
    assert run["outputs"]["model_outputs"] == [{"model_id": "m-none", "step": 3}]
    for message in ("LogInputs", "LogOutputs"):
        with pytest.raises(DomainError, match=r"models\[0\].model_id"):
            await tracking.call(message, run_id=run_id, models=[{"model_id": "m" * 37}])


async def test_points_without_a_model_are_one_statement_as_before(tracking: Tracking) -> None:
    run_id = await tracking.run()
    model_id = (await create(tracking))["model_id"]
    plain = {"run_id": run_id, "key": "k", "value": 1, "timestamp": 1}
    for fields, expected in ((plain, 1), ({**plain, "key": "l", "model_id": model_id}, 3)):
        call = parsed("LogMetric", fields, PROJECT)
        assert HANDLERS.is_idempotent_batch([call]) is (expected == 1)
        statements: list[Any] = []
        log = HANDLERS.batch[type(call.message)]
        async with tracking.pool.acquire() as connection:
            await log([call], connection)  # asyncpg asks for the types of the parameters once.
            assert isinstance(call.message, LogMetric)
            call.message.step += 1
            with connection.query_logger(statements.append):
                await log([call], connection)
        assert len(statements) == expected
