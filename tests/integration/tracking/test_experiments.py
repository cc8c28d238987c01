"""Lifecycle, names and tags of experiments."""

import re

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.tracking.conftest import Tracking


async def test_each_project_begins_with_the_default_experiment(
    tracking: Tracking,
) -> None:
    for project in (1, 2):
        reply = await tracking.call("GetExperiment", project, experiment_id="0")
        experiment = reply["experiment"]
        assert experiment["name"] == "Default"
        assert experiment["lifecycle_stage"] == "active"
        assert experiment["artifact_location"] == f"mlflow-artifacts:/{project}/0"
        assert isinstance(experiment["creation_time"], int)


async def test_ids_count_from_one_in_each_project(tracking: Tracking) -> None:
    ids = [
        (await tracking.call("CreateExperiment", project, name=name))["experiment_id"]
        for project, name in ((1, "a"), (1, "b"), (2, "a"))
    ]
    assert ids == ["1", "2", "1"]


async def test_created_experiment_reads_back_by_id_and_name(tracking: Tracking) -> None:
    tags = [{"key": "team", "value": "x"}, {"key": "team", "value": "y"}]
    await tracking.call(
        "CreateExperiment", name="ünïcode", artifact_location="s3://b/p/", tags=tags
    )
    by_id = await tracking.call("GetExperiment", experiment_id="1")
    by_name = await tracking.call("GetExperimentByName", experiment_name="ünïcode")
    assert by_id == by_name
    assert by_id["experiment"]["artifact_location"] == "s3://b/p/"
    assert by_id["experiment"]["tags"] == [{"key": "team", "value": "y"}]


async def test_own_artifact_location_is_where_runs_put_theirs(
    tracking: Tracking,
) -> None:
    await tracking.call("CreateExperiment", name="a", artifact_location="s3://b/p/?k=v")
    run = (await tracking.call("CreateRun", experiment_id="1"))["run"]
    run_id = run["info"]["run_id"]
    assert run["info"]["artifact_uri"] == f"s3://b/p/{run_id}/artifacts?k=v"


@pytest.mark.parametrize(
    "location",
    [
        "mlflow-artifacts:/models",
        "mlflow-artifacts:/any/path/",
        "mlflow-artifacts:/a%20b//c",
        "mlflow-artifacts:/",
        "mlflow-artifacts://host:5000/models?k=v",
        "mlflow-artifacts:/7/0/chosen",
        "file:///tmp/x",
        "/tmp/x",
    ],
)
async def test_location_of_a_clients_choice_is_taken_as_it_is(
    tracking: Tracking, location: str
) -> None:
    await tracking.call("CreateExperiment", name="a", artifact_location=location)
    found = (await tracking.call("GetExperiment", experiment_id="1"))["experiment"]
    assert found["artifact_location"] == location


@pytest.mark.parametrize("delete", [False, True])
async def test_a_name_is_taken_even_by_a_deleted_experiment(
    tracking: Tracking, *, delete: bool
) -> None:
    await tracking.call("CreateExperiment", name="a")
    if delete:
        await tracking.call("DeleteExperiment", experiment_id="1")
    with pytest.raises(DomainError, match="already exists") as caught:
        await tracking.call("CreateExperiment", name="a")
    assert caught.value.code == ErrorCode.RESOURCE_ALREADY_EXISTS
    assert ("deleted state" in caught.value.message) == delete


async def test_rename_sets_the_time_and_refuses_taken_names(tracking: Tracking) -> None:
    await tracking.call("CreateExperiment", name="a")
    await tracking.call("CreateExperiment", name="b")
    before = (await tracking.call("GetExperiment", experiment_id="1"))["experiment"]
    await tracking.call("UpdateExperiment", experiment_id="1", new_name="c")
    after = (await tracking.call("GetExperiment", experiment_id="1"))["experiment"]
    assert after["name"] == "c"
    assert after["last_update_time"] >= before["last_update_time"]
    with pytest.raises(DomainError, match="already exists"):
        await tracking.call("UpdateExperiment", experiment_id="1", new_name="b")
    await tracking.call("UpdateExperiment", experiment_id="1", new_name="c")


async def test_rename_wants_a_name_and_an_active_experiment(tracking: Tracking) -> None:
    await tracking.call("CreateExperiment", name="a")
    with pytest.raises(DomainError, match="required parameter 'new_name'"):
        await tracking.call("UpdateExperiment", experiment_id="1")
    await tracking.call("DeleteExperiment", experiment_id="1")
    with pytest.raises(DomainError) as caught:
        await tracking.call("UpdateExperiment", experiment_id="1", new_name="b")
    assert caught.value.code == ErrorCode.INVALID_STATE


async def test_deleting_and_restoring_take_the_runs_along(tracking: Tracking) -> None:
    await tracking.call("CreateExperiment", name="a")
    run_id = await tracking.run(experiment_id="1")
    other = await tracking.run(experiment_id="0")
    stages = []
    for message in ("DeleteExperiment", "RestoreExperiment"):
        await tracking.call(message, experiment_id="1")
        run = (await tracking.call("GetRun", run_id=run_id))["run"]
        stages.append(run["info"]["lifecycle_stage"])
    assert stages == ["deleted", "active"]
    run = (await tracking.call("GetRun", run_id=other))["run"]
    assert run["info"]["lifecycle_stage"] == "active"
    assert tracking.events == ["7.experiment.deleted", "7.experiment.restored"]


async def test_deleted_experiment_refuses_runs_tags_and_deletion(
    tracking: Tracking,
) -> None:
    await tracking.call("CreateExperiment", name="a")
    await tracking.call("DeleteExperiment", experiment_id="1")
    for message, fields in (
        ("CreateRun", {}),
        ("SetExperimentTag", {"key": "k", "value": "v"}),
        ("DeleteExperimentTag", {"key": "k"}),
    ):
        with pytest.raises(DomainError, match="must be in the 'active' state") as c:
            await tracking.call(message, experiment_id="1", **fields)
        assert c.value.code == ErrorCode.INVALID_PARAMETER_VALUE
    with pytest.raises(DomainError, match="No Experiment with id=1 exists"):
        await tracking.call("DeleteExperiment", experiment_id="1")


@pytest.mark.parametrize("name", [" ", "\t", "\u2003\n "])
async def test_a_blank_name_is_refused(tracking: Tracking, name: str) -> None:
    await tracking.call("CreateExperiment", name="a")
    for message, fields in (
        ("CreateExperiment", {"name": name}),
        ("UpdateExperiment", {"experiment_id": "1", "new_name": name}),
    ):
        with pytest.raises(DomainError) as caught:
            await tracking.call(message, **fields)
        assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
        assert caught.value.message == f"Invalid experiment name: '{name}'"


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ("-1337", "-1337"),
        ("007", "7"),
        (" +7 ", "7"),
        (str(2**63), str(2**63)),
        ("9" * 40, "9" * 40),
    ],
)
async def test_an_error_names_the_experiment_that_was_asked_for(
    tracking: Tracking, sent: str, named: str
) -> None:
    for message, fields in (
        ("GetExperiment", {}),
        ("UpdateExperiment", {"new_name": "n"}),
        ("DeleteExperiment", {}),
        ("RestoreExperiment", {}),
        ("SetExperimentTag", {"key": "k", "value": "v"}),
        ("DeleteExperimentTag", {"key": "k"}),
        ("CreateRun", {}),
        ("CreateLoggedModel", {"name": "m"}),
    ):
        with pytest.raises(DomainError) as caught:
            await tracking.call(message, experiment_id=sent, **fields)
        assert caught.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST, message
        assert caught.value.message == f"No Experiment with id={named} exists", message


async def test_tags_are_set_overwritten_and_removed(tracking: Tracking) -> None:
    async def tags() -> list[dict[str, str]]:
        reply = await tracking.call("GetExperiment", experiment_id="0")
        found: list[dict[str, str]] = reply["experiment"]["tags"]
        return found

    for value in ("1", "2"):
        await tracking.call("SetExperimentTag", experiment_id="0", key="k", value=value)
    assert await tags() == [{"key": "k", "value": "2"}]
    await tracking.call("DeleteExperimentTag", experiment_id="0", key="k")
    assert await tags() == []
    with pytest.raises(DomainError, match="No tag with name: k in experiment"):
        await tracking.call("DeleteExperimentTag", experiment_id="0", key="k")


async def test_one_tag_of_some_experiments_is_read_also_of_deleted_ones(tracking: Tracking) -> None:
    for name in ("a", "b", "c"):
        tags = [{"key": "k", "value": name}, {"key": "other", "value": "x"}]
        await tracking.call("CreateExperiment", name=name, tags=tags)
    await tracking.call("DeleteExperiment", experiment_id="2")
    ids = ["0", "1", "2", "99", str(2**70)]
    reply = await tracking.call("GetExperimentTag", experiment_ids=ids, key="k")
    assert reply == {"values": {"1": "a", "2": "b"}}


async def test_a_retention_of_traces_must_be_a_duration(tracking: Tracking) -> None:
    key = "mlflow.trace.archivalRetention"
    for value in ("30d", '{"type": "duration", "value": "30 days"}'):
        with pytest.raises(DomainError, match="Trace archival"):
            await tracking.call("SetExperimentTag", experiment_id="0", key=key, value=value)
        tags = [{"key": key, "value": value}]
        with pytest.raises(DomainError, match="Trace archival"):
            await tracking.call("CreateExperiment", name="n", tags=tags)
    value = '{"type": "duration", "value": "30d"}'
    await tracking.call("SetExperimentTag", experiment_id="0", key=key, value=value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "n" * 501}, "'name' exceeds the maximum length of 500 characters"),
        ({"name": "n", "artifact_location": "runs:/x"}, "cannot be a runs:/ URI"),
        ({"name": "n", "artifact_location": "s3://b/p#f"}, "can't include fragments"),
        *(
            ({"name": "n", "artifact_location": f"mlflow-artifacts:{location}"}, why)
            for location, why in {
                "/8/0": "is a project's",
                "/a/../b": "must not be empty, '.' or '..'",
                "/a/%252e%252e/b": "must not be empty, '.' or '..'",
                "/a%23b": "can't ask for",
                "/a%3Fb": "can't ask for",
                "/C:/a": "name of a drive",
                f"/{'d/' * 400}a": "longer than 1024 bytes",
                f"/{'n' * 256}": "longer than 255 bytes",
                "//5000/a": "artifact_location: 5000 is a port",
                "//host:port/a": "can't be an artifact_location",
            }.items()
        ),
        ({"name": "n", "tags": [{"key": "../k"}]}, "would resolve to '../k'"),
        ({"name": "n", "tags": [{"key": "k", "value": "v" * 20001}]}, "'value' exceeds"),
    ],
)
async def test_bad_experiments_are_refused(
    tracking: Tracking, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(DomainError, match=re.escape(message)) as caught:
        await tracking.call("CreateExperiment", **fields)
    assert caught.value.code == ErrorCode.INVALID_PARAMETER_VALUE


@pytest.mark.parametrize("experiment_id", ["99", "9" * 30, "-1"])
async def test_missing_experiments_are_not_found(tracking: Tracking, experiment_id: str) -> None:
    with pytest.raises(DomainError, match="No Experiment with id=") as caught:
        await tracking.call("GetExperiment", experiment_id=experiment_id)
    assert caught.value.code == ErrorCode.RESOURCE_DOES_NOT_EXIST
    with pytest.raises(DomainError, match="Could not find experiment with name 'x'"):
        await tracking.call("GetExperimentByName", experiment_name="x")


async def test_search_reads_whole_experiments_page_by_page(tracking: Tracking) -> None:
    for name in ("a", "b", "c"):
        await tracking.call("CreateExperiment", name=name)
    names, token = [], None
    while True:
        reply = await tracking.call(
            "SearchExperiments", max_results=3, page_token=token, order_by=["name"]
        )
        names += [experiment["name"] for experiment in reply["experiments"]]
        token = reply.get("next_page_token")
        if not token:
            break
    assert names == ["Default", "a", "b", "c"]
