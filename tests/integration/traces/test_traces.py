"""Traces: started, ended, read, tagged, linked and deleted."""

from typing import Any

import pytest

from services.traces.housekeeping import purge_portion
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.proto_times import LATEST
from tests.integration.traces.conftest import MILLISECONDS, PROJECT, span


async def refused(call, code=ErrorCode.INVALID_PARAMETER_VALUE) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    assert caught.value.code is code
    return caught.value.message


async def test_a_trace_is_read_as_it_was_started(traces):
    fields: dict[str, Any] = {
        "tags": {"mlflow.traceName": "predict", "team": "a"},
        "trace_metadata": {"mlflow.user": "ada"},
        "client_request_id": "r-1",
        "request_preview": "hello",
        "response_preview": "world",
        "execution_duration": "0.301s",
        "request_time": "2026-01-01T00:00:00.123Z",
    }
    started = await traces.start("tr-1", **fields)
    assert started == await traces.info("tr-1")
    assert started == {
        "trace_id": "tr-1",
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": "1"},
        },
        "state": "OK",
        **fields,
        "tags": {
            **fields["tags"],
            "mlflow.artifactLocation": f"mlflow-artifacts:/{PROJECT}/1/traces/tr-1/artifacts",
        },
        "trace_metadata": {"mlflow.user": "ada", "mlflow.trace.infoFinalized": "true"},
    }


async def test_a_trace_of_mlflow_2_is_started_and_ended(traces):
    started = await traces.call(
        "StartTrace",
        experiment_id="1",
        timestamp_ms=1000,
        request_metadata=[{"key": "a", "value": "1"}],
        tags=[{"key": "mlflow.traceName", "value": "n"}],
    )
    info = started["trace_info"]
    assert info["status"] == "IN_PROGRESS"
    assert "execution_time_ms" not in info
    ended = await traces.call(
        "EndTrace",
        request_id=info["request_id"],
        timestamp_ms=1500,
        status="OK",
        request_metadata=[{"key": "b", "value": "2"}],
        tags=[{"key": "mlflow.traceName", "value": "m"}],
    )
    assert ended["trace_info"] == {
        **info,
        "status": "OK",
        "execution_time_ms": 500,
        "request_metadata": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
        "tags": [
            {
                "key": "mlflow.artifactLocation",
                "value": f"mlflow-artifacts:/{PROJECT}/1/traces/{info['request_id']}/artifacts",
            },
            {"key": "mlflow.traceName", "value": "m"},
        ],
    }
    read = await traces.call("GetTraceInfo", request_id=info["request_id"])
    assert read == ended


async def test_an_experiment_must_exist_and_be_active(traces, tracking):
    tracking.stages["2"] = "deleted"
    assert "must be in the 'active' state" in await refused(traces.start("tr-1", experiment="2"))
    missing = ErrorCode.RESOURCE_DOES_NOT_EXIST
    assert "No Experiment" in await refused(traces.start("tr-1", experiment="3"), missing)
    assert "must be a valid integer" in await refused(traces.start("tr-1", experiment="x"))
    assert "located in an experiment" in await refused(traces.start("tr-1", trace_location={}))
    assert "not found" in await refused(traces.info("tr-1"), missing)


async def test_tracking_is_asked_once_for_many_traces(traces, tracking):
    for number in range(3):
        await traces.start(f"tr-{number}")
    assert len(tracking.asked) == 1


async def test_tracking_is_asked_again_after_a_minute_whatever_comes_meanwhile(
    traces, tracking, pool
):
    await traces.start("tr-1")
    before = "SELECT checked_at FROM experiments"
    checked_at = await pool.fetchval(before)
    await traces.start("tr-2")
    await traces.log(span("tr-3", 1))
    assert await pool.fetchval(before) == checked_at
    await pool.execute("UPDATE experiments SET checked_at = checked_at - interval '61 seconds'")
    tracking.stages["1"] = "deleted"
    assert "must be in the 'active' state" in await refused(traces.start("tr-4"))


@pytest.mark.parametrize(
    ("name", "fields", "parameter"),
    [
        ("StartTrace", {"experiment_id": "1", "timestamp_ms": LATEST + 1}, "timestamp_ms"),
        ("EndTrace", {"request_id": "tr-1", "timestamp_ms": LATEST + 1}, "timestamp_ms"),
    ],
)
async def test_a_time_that_mlflow_3_cannot_write_is_refused(traces, name, fields, parameter):
    await traces.start("tr-1")
    assert parameter in await refused(traces.call(name, **fields))
    started = await traces.call("StartTrace", experiment_id="1", timestamp_ms=LATEST)
    request_id = started["trace_info"]["request_id"]
    assert (await traces.info(request_id))["request_time"] == "9999-12-31T23:59:59.999Z"


async def test_a_client_request_id_has_a_length(traces):
    longest = "🐇" * limits.CLIENT_REQUEST_ID
    await traces.start("tr-1", client_request_id=longest)
    assert (await traces.info("tr-1"))["client_request_id"] == longest
    too_long = traces.start("tr-2", client_request_id=longest + "x")
    assert "client_request_id" in await refused(too_long)


async def test_a_deleted_experiment_takes_no_more_traces(traces, tracking):
    await traces.start("tr-1")
    tracking.stages["1"] = "deleted"
    await traces.happen("experiment.deleted", experiment_id="1")
    assert "must be in the 'active' state" in await refused(traces.start("tr-2"))
    assert (await traces.info("tr-1"))["trace_id"] == "tr-1"


async def test_one_project_never_sees_anothers_traces(traces):
    await traces.start("tr-1", tags={"own": "7"})
    await traces.start("tr-1", 8, tags={"own": "8"})
    assert (await traces.info("tr-1"))["tags"]["own"] == "7"
    assert (await traces.info("tr-1", 8))["tags"]["own"] == "8"
    deleted = await traces.call("DeleteTraces", 8, experiment_id="1", request_ids=["tr-1"])
    assert deleted == {"traces_deleted": 1}
    assert (await traces.info("tr-1"))["tags"]["own"] == "7"


async def test_tags_are_set_and_deleted(traces):
    await traces.start("tr-1")
    await traces.call("SetTraceTag", trace_id="tr-1", key="a", value="1")
    await traces.call("SetTraceTag", request_id="tr-1", key="a", value="2")
    assert (await traces.info("tr-1"))["tags"]["a"] == "2"
    await traces.call("DeleteTraceTag", trace_id="tr-1", key="a")
    assert "a" not in (await traces.info("tr-1"))["tags"]
    missing = ErrorCode.RESOURCE_DOES_NOT_EXIST
    gone = traces.call("DeleteTraceTag", trace_id="tr-1", key="a")
    assert "No trace tag with key 'a'" in await refused(gone, missing)
    unknown = traces.call("SetTraceTag", trace_id="tr-2", key="a", value="1")
    assert "not found" in await refused(unknown, missing)
    managed = traces.call("SetTraceTag", trace_id="tr-1", key="mlflow.trace.spansLocation")
    assert "immutable" in await refused(managed)


async def test_batches_come_in_the_order_of_their_ids(traces):
    for number in range(3):
        await traces.start(f"tr-{number}", experiment="2" if number == 2 else "1")
    ids = ["tr-2", "tr-0", "tr-9", "tr-1", "tr-0"]

    async def read(**fields):
        reply = await traces.call("BatchGetTraceInfos", trace_ids=ids, **fields)
        return [each["trace_id"] for each in reply["trace_infos"]]

    assert await read() == ["tr-2", "tr-0", "tr-1"]
    assert await read(experiment_ids=["1"]) == ["tr-0", "tr-1"]
    assert await read(experiment_ids=[]) == []


async def test_traces_are_deleted_by_their_ids_or_the_oldest_first(traces, pool):
    for number in range(4):
        await traces.start(f"tr-{number}", request_time=f"2026-01-01T00:00:0{number}Z")
        await traces.log(span(f"tr-{number}", 1))
    other = await traces.call("DeleteTraces", experiment_id="2", request_ids=["tr-0"])
    assert other == {"traces_deleted": 0}
    assert await traces.call("DeleteTraces", experiment_id="1", request_ids=["tr-0"]) == {
        "traces_deleted": 1
    }
    oldest = {"experiment_id": "1", "max_timestamp_millis": MILLISECONDS + 2000, "max_traces": 1}
    assert await traces.call("DeleteTraces", **oldest) == {"traces_deleted": 1}
    assert await traces.search() == (["tr-3", "tr-2"], None)
    assert await pool.fetchval("SELECT count(DISTINCT trace_id) FROM spans") == 2
    assert await pool.fetchval("SELECT count(DISTINCT trace_id) FROM trace_labels") == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Either `max_timestamp_millis` or `trace_ids`"),
        ({"request_ids": ["a"], "max_timestamp_millis": 1}, "Only one of"),
        ({"request_ids": ["a"], "max_traces": 1}, "`max_traces` can't be specified"),
        ({"max_timestamp_millis": 1, "max_traces": 0}, "`max_traces` must be a positive integer"),
    ],
)
async def test_what_to_delete_must_be_said_in_one_way(traces, fields, message):
    assert message in await refused(traces.call("DeleteTraces", experiment_id="1", **fields))


async def test_traces_are_linked_to_a_run_and_to_prompts(traces, tracking):
    await traces.start("tr-1")
    await traces.start("tr-2", trace_metadata={"mlflow.sourceRun": "r1"})
    await traces.start("tr-3")
    tracking.runs.add("r1")
    for _ in range(2):
        await traces.call("LinkTracesToRun", trace_ids=["tr-1", "tr-9"], run_id="r1")
    assert await traces.search(filter="attributes.run_id = 'r1'") == (["tr-1", "tr-2"], None)
    unknown = traces.call("LinkTracesToRun", trace_ids=["tr-1"], run_id="r2")
    assert "r2" in await refused(unknown, ErrorCode.RESOURCE_DOES_NOT_EXIST)
    prompts = [{"name": "greet", "version": "2"}]
    for _ in range(2):
        await traces.call("LinkPromptsToTrace", trace_id="tr-3", prompt_versions=prompts)
    assert await traces.search(filter="prompt = 'greet/2'") == (["tr-3"], None)
    assert await traces.search(filter="prompt = 'greet/1'") == ([], None)


async def test_a_purged_experiment_loses_its_traces(traces, pool):
    await traces.start("tr-1")
    await traces.log(span("tr-1", 1))
    await traces.start("tr-2", experiment="2")
    await traces.happen("experiment.purged", experiment_id="1")
    assert await purge_portion(pool)
    assert not await purge_portion(pool)
    assert await pool.fetchval("SELECT count(*) FROM spans") == 0
    assert await pool.fetch("SELECT trace_id FROM traces") == [("tr-2",)]
