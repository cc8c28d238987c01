"""Versions: numbers, descriptions, tags, stages, deletion."""

import json

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.registry.conftest import Registry, envelope

OTHER_PROJECT = 8


async def test_created_version_reads_back(registry: Registry) -> None:
    await registry.model("m")
    version = await registry.version(
        "m",
        source="s3://bucket/path",
        run_id="r" * 32,
        run_link="https://example.org/run",
        description="first",
        tags=[{"key": "k", "value": "1"}, {"key": "k", "value": "2"}],
    )
    assert version == await registry.read_version("1")
    times = (version.pop("creation_timestamp"), version.pop("last_updated_timestamp"))
    assert times[0] == times[1] > 1_500_000_000_000
    assert version == {
        "name": "m",
        "version": "1",
        "current_stage": "None",
        "description": "first",
        "source": "s3://bucket/path",
        "run_id": "r" * 32,
        "run_link": "https://example.org/run",
        "status": "READY",
        "tags": [{"key": "k", "value": "2"}],
        "aliases": [],
    }


async def test_unset_texts_are_empty_as_in_mlflow(registry: Registry) -> None:
    await registry.model("m")
    version = await registry.version("m")
    assert (version["description"], version["run_id"], version["run_link"]) == ("", "", "")


async def test_numbers_count_from_one_in_each_model_and_project(registry: Registry) -> None:
    await registry.model("a")
    await registry.model("b")
    await registry.model("a", OTHER_PROJECT)
    versions = [
        await registry.version("a"),
        await registry.version("a"),
        await registry.version("b"),
        await registry.version("a", OTHER_PROJECT),
    ]
    assert [version["version"] for version in versions] == ["1", "2", "1", "1"]


async def test_a_deleted_versions_number_never_comes_back(registry: Registry) -> None:
    await registry.model("m")
    for _ in range(2):
        await registry.version("m")
    await registry.call("DeleteModelVersion", name="m", version="2")
    assert (await registry.version("m"))["version"] == "3"
    with pytest.raises(DomainError, match=r"Model Version \(name=m, version=2\) not found"):
        await registry.read_version("2")


async def test_a_refused_create_leaves_no_gap(registry: Registry) -> None:
    await registry.model("m")
    good = {"name": "m", "source": "s3://b/p"}
    answers = await registry.frame(
        envelope("CreateModelVersion", **good),
        envelope("CreateModelVersion", **good, tags=[{"key": "a,b", "value": ""}]),
        envelope("CreateModelVersion", name="m", source="/etc"),
        envelope("CreateModelVersion", **good),
    )
    assert [answer.error for answer in answers] == [
        None,
        ErrorCode.INVALID_PARAMETER_VALUE,
        ErrorCode.INVALID_PARAMETER_VALUE,
        None,
    ]
    assert json.loads(answers[3].body)["model_version"]["version"] == "2"


async def test_update_replaces_or_takes_away_the_description(registry: Registry) -> None:
    await registry.model("m")
    before = await registry.version("m", description="old")
    reply = await registry.call("UpdateModelVersion", name="m", version="1", description="new")
    after = reply["model_version"]
    assert after["description"] == "new"
    assert after["last_updated_timestamp"] >= before["last_updated_timestamp"]
    reply = await registry.call("UpdateModelVersion", name="m", version="1")
    assert "description" not in reply["model_version"]


async def test_tags_are_set_overwritten_and_deleted(registry: Registry) -> None:
    await registry.model("m")
    for _ in range(2):
        await registry.version("m")
    for value in ("1", "2"):
        await registry.call("SetModelVersionTag", name="m", version="1", key="k", value=value)
    assert (await registry.read_version("1"))["tags"] == [{"key": "k", "value": "2"}]
    assert (await registry.read_version("2"))["tags"] == []
    for _ in range(2):
        await registry.call("DeleteModelVersionTag", name="m", version="1", key="k")
    assert (await registry.read_version("1"))["tags"] == []


WITH_VERSION = [
    ("GetModelVersion", {}),
    ("UpdateModelVersion", {"description": "d"}),
    ("DeleteModelVersion", {}),
    ("TransitionModelVersionStage", {"stage": "Staging"}),
    ("GetModelVersionDownloadUri", {}),
    ("SetModelVersionTag", {"key": "k"}),
    ("DeleteModelVersionTag", {"key": "k"}),
    ("SetRegisteredModelAlias", {"alias": "a"}),
]


@pytest.mark.parametrize(("message", "more"), WITH_VERSION)
@pytest.mark.parametrize(
    ("name", "version"), [("m", "2"), ("m", "0"), ("m", "-1"), ("m", "9" * 30), ("n", "1")]
)
async def test_a_missing_version_is_named(
    registry: Registry, message: str, more: dict[str, str], name: str, version: str
) -> None:
    await registry.model("m")
    await registry.version("m")
    with pytest.raises(DomainError) as caught:
        await registry.call(message, name=name, version=version, **more)
    assert caught.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST
    assert caught.value.message == f"Model Version (name={name}, version={version}) not found"


@pytest.mark.parametrize(("message", "more"), WITH_VERSION)
@pytest.mark.parametrize("version", ["x", "1.0", "9" * 5000])
async def test_a_version_must_be_an_integer(
    registry: Registry, message: str, more: dict[str, str], version: str
) -> None:
    with pytest.raises(DomainError) as caught:
        await registry.call(message, name="m", version=version, **more)
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message == f"Parameter 'version' must be an integer, got '{version}'."


async def stages(registry: Registry) -> dict[str, str]:
    reply = await registry.call("SearchModelVersions", filter="name = 'm'")
    return {each["version"]: each["current_stage"] for each in reply["model_versions"]}


async def transition(registry: Registry, version: str, stage: str, *, archive: object = None):
    reply = await registry.call(
        "TransitionModelVersionStage",
        name="m",
        version=version,
        stage=stage,
        archive_existing_versions=archive,
    )
    return reply["model_version"]


async def test_stages_are_read_in_any_case_and_written_in_one(registry: Registry) -> None:
    await registry.model("m")
    await registry.version("m")
    for stage in ("pRoDuCtIoN", "STAGING", "archived", "none"):
        moved = await transition(registry, "1", stage)
        assert moved["current_stage"] == stage.capitalize()
    model = await registry.read_model()
    assert model["last_updated_timestamp"] == moved["last_updated_timestamp"]


async def test_archiving_moves_the_others_of_the_stage_alone(registry: Registry) -> None:
    await registry.model("m")
    for _ in range(4):
        await registry.version("m")
    await transition(registry, "1", "Production")
    await transition(registry, "2", "Production")
    await transition(registry, "3", "Staging")
    await transition(registry, "2", "Production", archive=True)
    assert await stages(registry) == {
        "1": "Archived",
        "2": "Production",
        "3": "Staging",
        "4": "None",
    }


async def test_stages_that_are_not_allowed(registry: Registry) -> None:
    await registry.model("m")
    await registry.version("m")
    with pytest.raises(DomainError) as caught:
        await transition(registry, "1", "prod")
    assert caught.value.message == (
        "Invalid Model Version stage: prod. "
        "Value must be one of None, Staging, Production, Archived."
    )
    with pytest.raises(DomainError) as caught:
        await transition(registry, "1", "none", archive=True)
    assert caught.value.message == (
        "Model version transition cannot archive existing model versions because 'none' is not an "
        "Active stage. Valid stages are ['Staging', 'Production']"
    )
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    with pytest.raises(DomainError, match="for parameter 'archive_existing_versions' supplied"):
        await transition(registry, "1", "Staging", archive="yes")


async def test_latest_versions_are_the_newest_of_each_stage(registry: Registry) -> None:
    await registry.model("m")
    for _ in range(5):
        await registry.version("m")
    for version in ("1", "3"):
        await transition(registry, version, "Staging")
    await transition(registry, "2", "Production")
    await registry.call("SetRegisteredModelAlias", name="m", alias="best", version="2")

    async def latest(*wanted: str) -> list[tuple[str, str]]:
        reply = await registry.call("GetLatestVersions", name="m", stages=list(wanted))
        return [(v["current_stage"], v["version"]) for v in reply["model_versions"]]

    # As MLflow meets the stages: that of version 1 first, then that of 2.
    everything = [("Staging", "3"), ("Production", "2"), ("None", "5")]
    assert await latest() == everything
    assert await latest("production", "STAGING") == [("Staging", "3"), ("Production", "2")]
    assert await latest("Archived") == []
    with pytest.raises(DomainError, match="Invalid Model Version stage: x"):
        await latest("x")
    model = await registry.read_model()
    newest = model["latest_versions"]
    assert [(each["current_stage"], each["version"]) for each in newest] == everything
    version = await registry.read_version("2")
    assert version.pop("aliases") == ["best"]
    # As in MLflow's answers, aliases stand beside the versions of a model and not in them.
    assert newest[1] == version
    assert model["aliases"] == [{"alias": "best", "version": "2"}]
    latest_of_stage = await registry.call("GetLatestVersions", name="m", stages=["Production"])
    assert latest_of_stage["model_versions"] == [{**version, "aliases": ["best"]}]


@pytest.mark.parametrize(
    "more",
    [
        {"source": "s3://" + "s" * 2048},
        {"run_link": "l" * 2049},
        {"run_id": "r" * 257},
        {"model_id": "m" * 257},
    ],
)
async def test_texts_over_their_limits_are_refused(
    registry: Registry, more: dict[str, str]
) -> None:
    await registry.model("m")
    with pytest.raises(DomainError, match="exceeds the maximum length"):
        await registry.version("m", **more)


@pytest.mark.parametrize(
    ("sent", "named"), [("-1", "-1"), ("007", "7"), (" 7 ", "7"), ("9" * 40, "9" * 40)]
)
async def test_an_error_names_the_version_that_was_asked_for(
    registry: Registry, sent: str, named: str
) -> None:
    await registry.model("m")
    for message, fields in (
        ("GetModelVersion", {}),
        ("UpdateModelVersion", {"description": "d"}),
        ("DeleteModelVersion", {}),
        ("SetModelVersionTag", {"key": "k", "value": "v"}),
        ("DeleteModelVersionTag", {"key": "k"}),
        ("TransitionModelVersionStage", {"stage": "Staging"}),
        ("SetRegisteredModelAlias", {"alias": "a"}),
    ):
        with pytest.raises(DomainError) as caught:
            await registry.call(message, name="m", version=sent, **fields)
        assert caught.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST, message
        assert caught.value.message == f"Model Version (name=m, version={named}) not found", message
