"""Lifecycle, names and tags of runs."""

import json
import re

import asyncpg
import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.postgres.migrate import migrate, service_migrations
from tests.integration.tracking.conftest import Tracking


async def test_created_run_reads_back_as_answered(tracking: Tracking) -> None:
    created = await tracking.call(
        "CreateRun",
        experiment_id="0",
        user_id="ada",
        run_name="first",
        start_time="1700000000000",
        tags=[{"key": "a", "value": "é"}],
    )
    info = created["run"]["info"]
    run_id = info["run_id"]
    assert re.fullmatch("[0-9a-f]{32}", run_id)
    assert info == {
        "run_id": run_id,
        "run_uuid": run_id,
        "run_name": "first",
        "experiment_id": "0",
        "user_id": "ada",
        "status": "RUNNING",
        "start_time": 1700000000000,
        "artifact_uri": f"mlflow-artifacts:/7/0/{run_id}/artifacts",
        "lifecycle_stage": "active",
    }
    read = await tracking.call("GetRun", run_id=run_id)
    assert read["run"]["info"] == info
    assert read["run"]["data"] == created["run"]["data"]
    assert await tracking.call("GetRun", run_uuid=run_id) == read


async def test_nameless_run_gets_a_name_and_its_tag(tracking: Tracking) -> None:
    run_id = await tracking.run()
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    name = run["info"]["run_name"]
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d+", name)
    assert run["data"]["tags"] == [{"key": "mlflow.runName", "value": name}]


async def test_name_may_come_as_tag_and_user_too(tracking: Tracking) -> None:
    tags = [
        {"key": "mlflow.runName", "value": "tagged"},
        {"key": "mlflow.user", "value": "ada"},
    ]
    info = (await tracking.call("CreateRun", tags=tags))["run"]["info"]
    assert (info["run_name"], info["user_id"]) == ("tagged", "ada")
    with pytest.raises(DomainError, match="Both 'run_name' argument and"):
        await tracking.call("CreateRun", tags=tags, run_name="other")


async def test_name_and_tag_follow_each_other(tracking: Tracking) -> None:
    run_id = await tracking.run(run_name="a")
    await tracking.call("UpdateRun", run_id=run_id, run_name="b")
    assert (await tracking.data(run_id))["tags"] == {"mlflow.runName": "b"}
    for key, value in (("mlflow.runName", "c"), ("mlflow.runName", "")):
        await tracking.call("SetTag", run_id=run_id, key=key, value=value)
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["info"]["run_name"] == "c"
    assert (await tracking.data(run_id))["tags"] == {"mlflow.runName": "c"}


async def test_update_changes_what_is_given(tracking: Tracking) -> None:
    run_id = await tracking.run(run_name="a")
    reply = await tracking.call("UpdateRun", run_id=run_id, status="FINISHED", end_time=5)
    info = reply["run_info"]
    assert (info["status"], info["end_time"], info["run_name"]) == ("FINISHED", 5, "a")
    assert tracking.events == ["7.run.finished"]
    read = (await tracking.call("GetRun", run_id=run_id))["run"]["info"]
    assert read == info


async def test_deleted_run_reads_but_refuses_writes(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await tracking.call("DeleteRun", run_id=run_id)
    await tracking.call("DeleteRun", run_id=run_id)
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["info"]["lifecycle_stage"] == "deleted"
    point = {"key": "m", "value": 1, "timestamp": 1}
    for message, fields in (
        ("LogMetric", point),
        ("LogBatch", {"metrics": [point]}),
        ("LogBatch", {}),
        ("LogParam", {"key": "p", "value": "1"}),
        ("SetTag", {"key": "t", "value": "1"}),
        ("DeleteTag", {"key": "mlflow.runName"}),
        ("UpdateRun", {"status": "FINISHED"}),
        ("LogInputs", {}),
        ("LogOutputs", {}),
    ):
        with pytest.raises(DomainError) as caught:
            await tracking.call(message, run_id=run_id, **fields)
        assert caught.value.code == ErrorCode.INVALID_PARAMETER_VALUE
        assert caught.value.message == (
            f"The run {run_id} must be in the 'active' state. Current state is deleted."
        )
    await tracking.call("RestoreRun", run_id=run_id)
    await tracking.call("LogMetric", run_id=run_id, **point)
    assert (await tracking.data(run_id))["metrics"] == {"m": 1}


@pytest.mark.parametrize("run_id", ["0" * 32, "x", "0" * 31, "A" * 32])
async def test_missing_runs_are_not_found(tracking: Tracking, run_id: str) -> None:
    for message, fields in (
        ("GetRun", {}),
        ("UpdateRun", {}),
        ("DeleteRun", {}),
        ("RestoreRun", {}),
        ("DeleteTag", {"key": "t"}),
        ("LogMetric", {"key": "m", "value": 1, "timestamp": 1}),
        ("LogParam", {"key": "p"}),
        ("LogBatch", {}),
        ("LogInputs", {}),
    ):
        with pytest.raises(DomainError) as caught:
            await tracking.call(message, run_id=run_id, **fields)
        assert caught.value.code == ErrorCode.RESOURCE_DOES_NOT_EXIST
        assert caught.value.message == f"Run with id={run_id} not found"


async def test_a_run_belongs_to_its_project_alone(tracking: Tracking) -> None:
    run_id = await tracking.run()
    point = {"key": "m", "value": 1, "timestamp": 1}
    for message, fields in (("GetRun", {}), ("LogMetric", point), ("DeleteRun", {})):
        with pytest.raises(DomainError, match="not found"):
            await tracking.call(message, 8, run_id=run_id, **fields)


async def test_tag_is_removed_once(tracking: Tracking) -> None:
    run_id = await tracking.run(tags=[{"key": "t", "value": "1"}])
    await tracking.call("DeleteTag", run_id=run_id, key="t")
    assert "t" not in (await tracking.data(run_id))["tags"]
    with pytest.raises(DomainError, match="No tag with name: t in run with id"):
        await tracking.call("DeleteTag", run_id=run_id, key="t")


async def test_log_model_appends_to_the_history_tag(tracking: Tracking) -> None:
    run_id = await tracking.run()
    model = {
        "run_id": run_id,
        "artifact_path": "model",
        "utc_time_created": "2026-01-01",
        "flavors": {"sklearn": {"code": None, "config": {"big": 1}}},
        "signature": "left out",
    }
    for _ in range(2):
        await tracking.call("LogModel", run_id=run_id, model_json=json.dumps(model))
    tag = (await tracking.data(run_id))["tags"]["mlflow.log-model.history"]
    kept = {**model, "flavors": {"sklearn": {"code": None}}}
    del kept["signature"]
    assert json.loads(tag) == [kept, kept]
    for bad in ("[]", "{", '{"run_id": "x"}', "[" * 100_000):
        with pytest.raises(DomainError, match=r"model info|mandatory fields"):
            await tracking.call("LogModel", run_id=run_id, model_json=bad)


@pytest.mark.parametrize("tag", ["{", "7", "[" * 5000])
async def test_log_model_refuses_a_history_that_is_none(tracking: Tracking, tag: str) -> None:
    run_id = await tracking.run()
    await tracking.call("SetTag", run_id=run_id, key="mlflow.log-model.history", value=tag)
    fields = {"run_id": run_id, "artifact_path": "m", "utc_time_created": "x", "flavors": {}}
    with pytest.raises(DomainError, match=r"mlflow.log-model.history is not a valid JSON list"):
        await tracking.call("LogModel", run_id=run_id, model_json=json.dumps(fields))


async def test_search_reads_whole_runs_in_order(tracking: Tracking) -> None:
    run_ids = [await tracking.run(start_time=n) for n in range(3)]
    await tracking.call("LogParam", run_id=run_ids[0], key="p", value="1")
    reply = await tracking.call("SearchRuns", experiment_ids=["0"], max_results=2)
    assert [r["info"]["run_id"] for r in reply["runs"]] == [run_ids[2], run_ids[1]]
    rest = await tracking.call(
        "SearchRuns",
        experiment_ids=["0"],
        max_results=2,
        page_token=reply["next_page_token"],
    )
    assert [r["info"]["run_id"] for r in rest["runs"]] == [run_ids[0]]
    assert rest["runs"][0]["data"]["params"] == [{"key": "p", "value": "1"}]
    assert "next_page_token" not in rest


async def test_runs_from_before_runs_had_numbers_get_some(database_dsn: str) -> None:
    everything = service_migrations("tracking")
    before = [each for each in everything if each.component != "tracking" or each.version < 4]
    await migrate(database_dsn, "tracking", before)
    connection = await asyncpg.connect(database_dsn)
    insert = (
        "INSERT INTO tracking.runs (project_id, run_id, experiment_id, name, user_id, status,"
        " start_time, artifact_uri) VALUES (7, gen_random_uuid(), 0, 'n', '', 'RUNNING', 1, 'a')"
    )
    for _ in range(2):
        await connection.execute(insert)
    await migrate(database_dsn, "tracking", everything)
    await connection.execute(insert)
    rows = await connection.fetch("SELECT iid FROM tracking.runs ORDER BY iid")
    assert [row["iid"] for row in rows] == [1, 2, 3]
    await connection.close()
