"""GitLab's dialect: a version goes by a number of its own and by its semantic version."""

from typing import Any

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.registry.conftest import FakeTracking, Registry
from tests.integration.registry.test_semver import tagged_semver

OTHER_PROJECT = 8


@pytest.fixture
def gitlab(registry: Registry, tracking: FakeTracking) -> Registry:
    """The same service, asked in GitLab's dialect."""
    return Registry(registry.pool, tracking, "gitlab")


@pytest.fixture
async def ids(registry: Registry, gitlab: Registry) -> list[str]:
    """The numbers of versions 1.0.0, 2.0.0-rc.1, 1.5.0 and 2.0.0 of model ``m``, in this order."""
    await registry.model("a")
    await registry.version("a")
    await registry.model("m")
    for text in ("1.0.0", "2.0.0-rc.1", "1.5.0", "2.0.0"):
        await registry.version("m", **tagged_semver(text))
    reply = await gitlab.call("SearchModelVersions", filter="name = 'm'")
    return sorted((each["version"] for each in reply["model_versions"]), key=int)


async def test_the_two_dialects_tell_the_same_version_in_their_ways(
    registry: Registry, gitlab: Registry, ids: list[str]
) -> None:
    await registry.call("SetRegisteredModelAlias", name="m", alias="best", version="3")
    theirs = await gitlab.read_version(ids[2])
    ours = await registry.read_version("3")
    assert ours["version"] == "3"
    assert ours["aliases"] == ["best"]
    assert theirs == {**ours, "version": ids[2], "aliases": ["1.5.0", "best"]}
    assert len({*ids}) == 4
    assert all(each.isdigit() for each in ids)


NAMED = [
    ("GetModelVersion", {}),
    ("UpdateModelVersion", {"description": "d"}),
    ("TransitionModelVersionStage", {"stage": "Staging"}),
    ("GetModelVersionDownloadUri", {}),
    ("SetModelVersionTag", {"key": "k"}),
    ("DeleteModelVersionTag", {"key": "k"}),
    ("SetRegisteredModelAlias", {"alias": "a"}),
    ("DeleteModelVersion", {}),
]


async def test_every_message_takes_either_name(
    registry: Registry, gitlab: Registry, ids: list[str]
) -> None:
    for message, more in NAMED:
        await gitlab.call(message, name="m", version="2.0.0", **more)
        await gitlab.call(message, name="m", version=ids[2], **more)
    left = await registry.call("SearchModelVersions", filter="name = 'm'")
    assert {each["version"] for each in left["model_versions"]} == {"1", "2"}


async def test_other_names_are_missing(gitlab: Registry, ids: list[str]) -> None:
    other = await gitlab.call("GetModelVersion", name="a", version="1.0.0")
    of_other_model = other["model_version"]["version"]
    for message, more in NAMED:
        for version in (of_other_model, "9.9.9", "x", "9" * 300, "-1", "\u0663"):
            with pytest.raises(DomainError) as caught:
                await gitlab.call(message, name="m", version=version, **more)
            assert caught.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST
        with pytest.raises(DomainError) as caught:
            await gitlab.call(message, OTHER_PROJECT, name="m", version=ids[0], **more)
        assert caught.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_a_version_is_read_by_its_number_alone(gitlab: Registry, ids: list[str]) -> None:
    reply = await gitlab.call("GetVersionById", id=int(ids[1]))
    assert reply["model_version"] == await gitlab.read_version("2.0.0-rc.1")
    for project, number in ((7, 2**40), (7, -1), (OTHER_PROJECT, int(ids[1]))):
        with pytest.raises(DomainError) as caught:
            await gitlab.call("GetVersionById", project, id=number)
        assert caught.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_latest_is_the_highest(gitlab: Registry, ids: list[str]) -> None:
    async def latest(*stages: str) -> list[str]:
        reply = await gitlab.call("GetLatestVersions", name="m", stages=list(stages))
        return [each["aliases"][0] for each in reply["model_versions"]]

    assert await latest() == await latest("None") == ["2.0.0"]
    assert await latest("1.5.0") == ["1.5.0"]
    assert await latest("1.5.1") == []
    # GitLab, which has no stages, ignores them.
    for stages in (["Production"], ["Staging", "none"], ["x"], [""], ["Production", "x"]):
        assert await latest(*stages) == ["2.0.0"]
    assert await latest("Production", "1.5.0") == ["2.0.0", "1.5.0"]
    # Who moves versions to stages, which only MLflow can, is told by MLflow's rule.
    await gitlab.call("TransitionModelVersionStage", name="m", version=ids[0], stage="Production")
    assert await latest("production") == ["1.0.0"]
    assert await latest("Staging") == []
    with pytest.raises(DomainError, match="Invalid Model Version stage: x"):
        await latest("x")
    model = await gitlab.read_model()
    assert [each["version"] for each in model["latest_versions"]] == [ids[3]]
    await gitlab.call("DeleteModelVersion", name="m", version="2.0.0")
    assert await latest() == ["2.0.0-rc.1"]


async def test_searches_go_by_the_number_of_its_own(gitlab: Registry, ids: list[str]) -> None:
    async def found(**query: object) -> list[str]:
        reply = await gitlab.call("SearchModelVersions", **query)
        return [each["version"] for each in reply["model_versions"] if each["name"] == "m"]

    assert await found(filter=f"version_number = {ids[1]}") == [ids[1]]
    assert await found(filter=f"version_number > {ids[1]}", order_by=["version_number"]) == ids[2:]
    assert await found(order_by=["version_number DESC"]) == ids[::-1]


async def test_a_model_without_versions_has_no_latest(registry: Registry, gitlab: Registry) -> None:
    await registry.model("m")
    assert await gitlab.call("GetLatestVersions", name="m") == {"model_versions": []}
    assert (await gitlab.read_model())["latest_versions"] == []


async def by_alias(registry: Registry, alias: str) -> Any:
    return (await registry.call("GetModelVersionByAlias", name="m", alias=alias))["model_version"]


async def test_aliases_are_the_semantic_version_and_the_users(
    gitlab: Registry, ids: list[str]
) -> None:
    await gitlab.call("SetRegisteredModelAlias", name="m", alias="best", version="1.0.0")
    for alias, number in (("best", 0), ("1.5.0", 2), ("latest", 3)):
        assert (await by_alias(gitlab, alias))["version"] == ids[number]
    assert (await gitlab.read_model())["aliases"] == [{"alias": "best", "version": ids[0]}]
    for alias in ("9.9.9", "worst"):
        with pytest.raises(DomainError, match=f"Registered model alias {alias} not found"):
            await by_alias(gitlab, alias)
    with pytest.raises(DomainError, match=r"Version alias name '1\.5\.0' is reserved"):
        await gitlab.call("SetRegisteredModelAlias", name="m", alias="1.5.0", version="1.0.0")


async def test_prompts_are_mlflows(registry: Registry, gitlab: Registry, ids: list[str]) -> None:
    version = await gitlab.prompt("p")
    assert version["version"] == "1"
    assert version["aliases"] == []
    assert await gitlab.read_version("1", "p") == await registry.read_version("1", "p")
    await gitlab.call("SetRegisteredModelAlias", name="p", alias="a", version="1")
    assert await gitlab.read_model("p") == await registry.read_model("p")
