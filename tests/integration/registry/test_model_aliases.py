"""Aliases: one name for one version of a model, wherever it pointed before."""

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.registry.conftest import Registry


@pytest.fixture
async def registry(registry: Registry) -> Registry:
    """Return a registry with a model of two versions."""
    await registry.model("m")
    for _ in range(2):
        await registry.version("m")
    return registry


async def point(registry: Registry, alias: str, version: str) -> None:
    assert (
        await registry.call("SetRegisteredModelAlias", name="m", alias=alias, version=version) == {}
    )


async def found(registry: Registry, alias: str) -> str:
    reply = await registry.call("GetModelVersionByAlias", name="m", alias=alias)
    return reply["model_version"]["version"]


async def test_an_alias_moves_with_one_call(registry: Registry) -> None:
    await point(registry, "best", "1")
    await point(registry, "other", "1")
    assert await found(registry, "best") == "1"
    await point(registry, "best", "2")
    assert await found(registry, "best") == "2"
    assert (await registry.read_version("1"))["aliases"] == ["other"]
    assert (await registry.read_version("2"))["aliases"] == ["best"]
    assert (await registry.read_model())["aliases"] == [
        {"alias": "best", "version": "2"},
        {"alias": "other", "version": "1"},
    ]


async def test_a_missing_alias_is_named_but_may_be_deleted(registry: Registry) -> None:
    await point(registry, "best", "1")
    for _ in range(2):
        fields = {"name": "m", "alias": "best"}
        assert await registry.call("DeleteRegisteredModelAlias", **fields) == {}
    with pytest.raises(DomainError) as caught:
        await found(registry, "best")
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message == "Registered model alias best not found."


async def test_a_deleted_version_takes_its_aliases_along(registry: Registry) -> None:
    await point(registry, "best", "2")
    await registry.call("DeleteModelVersion", name="m", version="2")
    assert (await registry.read_model())["aliases"] == []


@pytest.mark.parametrize("alias", ["latest", "LATEST"])
async def test_latest_is_the_newest_version_of_any_stage(registry: Registry, alias: str) -> None:
    await registry.call("TransitionModelVersionStage", name="m", version="2", stage="Archived")
    assert await found(registry, alias) == "2"
    await registry.model("empty")
    with pytest.raises(DomainError) as caught:
        await registry.call("GetModelVersionByAlias", name="empty", alias=alias)
    assert caught.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST
    assert caught.value.message == "Latest version not found for model empty."


@pytest.mark.parametrize(
    ("alias", "refusal"),
    [
        ("latest", "'latest' alias name (case insensitive) is reserved."),
        ("LaTest", "'latest' alias name (case insensitive) is reserved."),
        ("v1", "Version alias name 'v1' is reserved."),
        ("V123", "Version alias name 'V123' is reserved."),
        (
            "a b",
            (
                "Invalid alias name: 'a b'. Names may only contain alphanumerics, underscores (_), "
                "and dashes (-)."
            ),
        ),
        ("a\n", "Invalid alias name: 'a\n'."),
        ("a" * 256, "'Registered model alias name' exceeds the maximum length of 255 characters"),
    ],
)
async def test_aliases_that_are_not_allowed(registry: Registry, alias: str, refusal: str) -> None:
    with pytest.raises(DomainError) as caught:
        await point(registry, alias, "1")
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message.startswith(refusal)


@pytest.mark.parametrize("alias", ["v1x", "version1", "a-b_c", "ünï", "1"])
async def test_aliases_that_are_allowed(registry: Registry, alias: str) -> None:
    await point(registry, alias, "1")
    assert await found(registry, alias) == "1"
