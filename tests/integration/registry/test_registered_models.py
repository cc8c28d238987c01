"""The life of a registered model, and its tags."""

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.registry.conftest import PROJECT, Registry

OTHER_PROJECT = 8


async def test_created_model_reads_back(registry: Registry) -> None:
    tags = [{"key": "team", "value": "x"}, {"key": "team", "value": "y"}]
    created = await registry.model("ünïcode", tags=tags, description="It predicts.")
    assert created == await registry.read_model("ünïcode")
    assert created["tags"] == [{"key": "team", "value": "y"}]
    assert created["description"] == "It predicts."
    assert created["creation_timestamp"] == created["last_updated_timestamp"] > 1_500_000_000_000
    assert created["latest_versions"] == created["aliases"] == []


async def test_a_name_is_taken_once_in_each_project(registry: Registry) -> None:
    await registry.model("m")
    await registry.model("m", OTHER_PROJECT)
    with pytest.raises(DomainError) as caught:
        await registry.model("m")
    assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS
    assert caught.value.message == "Registered Model (name=m) already exists."


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("", "Missing value for required parameter 'name'."),
        ("  ", "Missing value for required parameter 'name'."),
        ("a/b", "Invalid model name 'a/b'. Names cannot contain '/' or ':'."),
        ("a:b", "Invalid model name 'a:b'. Names cannot contain '/' or ':'."),
        ("..", "Invalid value \"..\" for parameter 'name' supplied: Names may be treated as files"),
        ("n" * 257, "'name' exceeds the maximum length of 256 characters"),
    ],
)
@pytest.mark.parametrize(
    ("message", "more"),
    [
        ("CreateRegisteredModel", {}),
        ("GetRegisteredModel", {}),
        ("UpdateRegisteredModel", {}),
        ("DeleteRegisteredModel", {}),
        ("SetRegisteredModelTag", {"key": "k"}),
        ("DeleteRegisteredModelTag", {"key": "k"}),
        ("GetLatestVersions", {}),
        ("RenameRegisteredModel", {"new_name": "n"}),
        ("CreateModelVersion", {"source": "s3://b/p"}),
        ("GetModelVersion", {"version": "1"}),
        ("GetModelVersionByAlias", {"alias": "a"}),
    ],
)
async def test_names_are_checked_everywhere_in_the_same_words(
    registry: Registry, message: str, more: dict[str, str], name: str, refusal: str
) -> None:
    with pytest.raises(DomainError) as caught:
        await registry.call(message, name=name, **more)
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message.startswith(refusal)


@pytest.mark.parametrize(
    ("message", "more"),
    [
        ("GetRegisteredModel", {}),
        ("RenameRegisteredModel", {"new_name": "n"}),
        ("UpdateRegisteredModel", {"description": "d"}),
        ("DeleteRegisteredModel", {}),
        ("SetRegisteredModelTag", {"key": "k", "value": "v"}),
        ("DeleteRegisteredModelTag", {"key": "k"}),
        ("GetLatestVersions", {}),
        ("DeleteRegisteredModelAlias", {"alias": "a"}),
        ("GetModelVersionByAlias", {"alias": "a"}),
        ("CreateModelVersion", {"source": "s3://b/p"}),
    ],
)
async def test_a_missing_model_is_named(
    registry: Registry, message: str, more: dict[str, str]
) -> None:
    await registry.model("m", OTHER_PROJECT)
    with pytest.raises(DomainError) as caught:
        await registry.call(message, name="m", **more)
    assert caught.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST
    assert caught.value.message == "Registered Model with name=m not found"


async def test_rename_takes_versions_tags_and_aliases_along(registry: Registry) -> None:
    await registry.model("m", tags=[{"key": "k", "value": "v"}])
    version = await registry.version("m", tags=[{"key": "k", "value": "v"}])
    await registry.call("SetRegisteredModelAlias", name="m", alias="a", version="1")
    reply = await registry.call("RenameRegisteredModel", name="m", new_name="n")
    model = reply["registered_model"]
    assert model["name"] == "n"
    assert model["tags"] == [{"key": "k", "value": "v"}]
    assert model["aliases"] == [{"alias": "a", "version": "1"}]
    renamed = (await registry.call("GetModelVersionByAlias", name="n", alias="a"))["model_version"]
    assert renamed["name"] == "n"
    assert renamed["tags"] == version["tags"]
    assert renamed["last_updated_timestamp"] == model["last_updated_timestamp"]
    with pytest.raises(DomainError, match="Registered Model with name=m not found"):
        await registry.read_model("m")


async def test_rename_refuses_a_taken_name_but_not_its_own(registry: Registry) -> None:
    for name in ("a", "b"):
        await registry.model(name)
    with pytest.raises(DomainError) as caught:
        await registry.call("RenameRegisteredModel", name="a", new_name="b")
    assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS
    assert "Registered Model (name=b) already exists." in caught.value.message
    await registry.call("RenameRegisteredModel", name="a", new_name="a")
    with pytest.raises(DomainError, match="Missing value for required parameter 'new_name'"):
        await registry.call("RenameRegisteredModel", name="a", new_name=" ")


async def test_update_replaces_the_description(registry: Registry) -> None:
    before = await registry.model("m", description="old")
    reply = await registry.call("UpdateRegisteredModel", name="m", description="new")
    assert reply["registered_model"]["description"] == "new"
    assert reply["registered_model"]["last_updated_timestamp"] >= before["last_updated_timestamp"]
    reply = await registry.call("UpdateRegisteredModel", name="m")
    assert reply["registered_model"]["description"] == ""


async def test_a_deleted_model_takes_everything_along_and_begins_anew(registry: Registry) -> None:
    await registry.model("m", tags=[{"key": "k", "value": "v"}])
    for _ in range(2):
        await registry.version("m", tags=[{"key": "k", "value": "v"}])
    await registry.call("SetRegisteredModelAlias", name="m", alias="a", version="2")
    assert await registry.call("DeleteRegisteredModel", name="m") == {}
    tables = ("registered_model_tags", "model_versions", "model_version_tags", "model_aliases")
    for table in tables:
        assert await registry.pool.fetchval(f"SELECT count(*) FROM {table}") == 0
    again = await registry.model("m")
    assert again["tags"] == again["aliases"] == []
    assert (await registry.version("m"))["version"] == "1"


async def test_tags_are_set_overwritten_and_deleted(registry: Registry) -> None:
    await registry.model("m")
    for value in ("1", "2"):
        await registry.call("SetRegisteredModelTag", name="m", key="a b", value=value)
    await registry.call("SetRegisteredModelTag", name="m", key="empty")
    tags = (await registry.read_model("m"))["tags"]
    assert tags == [{"key": "a b", "value": "2"}, {"key": "empty", "value": ""}]
    for _ in range(2):
        assert await registry.call("DeleteRegisteredModelTag", name="m", key="a b") == {}
    assert (await registry.read_model("m"))["tags"] == [{"key": "empty", "value": ""}]


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ({"key": "k" * 251}, "'key' exceeds the maximum length of 250 characters"),
        ({"key": "k", "value": "v" * 100_001}, "'value' exceeds the maximum length of 100000"),
        ({"key": "a,b"}, "Invalid value \"a,b\" for parameter 'key' supplied: Names may only"),
        ({"key": "../a"}, "Names may be treated as files in certain cases"),
        (
            {"key": "mlflow.prompt.text", "value": "v" * 100_001},
            "Prompt text exceeds max length of 100000 characters.",
        ),
    ],
)
async def test_tags_that_are_not_allowed(
    registry: Registry, tag: dict[str, str], message: str
) -> None:
    await registry.model("m")
    await registry.version("m")
    for call, fields in (
        ("CreateRegisteredModel", {"name": "n", "tags": [tag]}),
        ("CreateModelVersion", {"name": "m", "source": "s3://b/p", "tags": [tag]}),
        ("SetRegisteredModelTag", {"name": "m", **tag}),
        ("SetModelVersionTag", {"name": "m", "version": "1", **tag}),
    ):
        with pytest.raises(DomainError) as caught:
            await registry.call(call, PROJECT, **fields)
        assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
        assert message in caught.value.message
