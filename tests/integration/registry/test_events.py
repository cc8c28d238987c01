"""Every change leaves an event; what changes nothing leaves none."""

from typing import Any

import pytest

from tests.integration.registry.conftest import Registry

CHANGES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "CreateRegisteredModel",
        {"name": "new"},
        "registered_model.created",
        {"name": "new"},
    ),
    (
        "UpdateRegisteredModel",
        {"name": "m", "description": "d"},
        "registered_model.updated",
        {"name": "m"},
    ),
    (
        "RenameRegisteredModel",
        {"name": "m", "new_name": "n"},
        "registered_model.renamed",
        {"name": "m", "new_name": "n"},
    ),
    ("DeleteRegisteredModel", {"name": "m"}, "registered_model.deleted", {"name": "m"}),
    (
        "SetRegisteredModelTag",
        {"name": "m", "key": "k", "value": "v"},
        "registered_model_tag.set",
        {"name": "m", "key": "k"},
    ),
    (
        "DeleteRegisteredModelTag",
        {"name": "m", "key": "old"},
        "registered_model_tag.deleted",
        {"name": "m", "key": "old"},
    ),
    (
        "CreateModelVersion",
        {"name": "m", "source": "s3://b/p", "run_id": "r"},
        "model_version.created",
        {"name": "m", "version": "2", "display_version": "2", "source": "s3://b/p", "run_id": "r"},
    ),
    (
        "UpdateModelVersion",
        {"name": "m", "version": "1", "description": "d"},
        "model_version.updated",
        {"name": "m", "version": "1"},
    ),
    (
        "TransitionModelVersionStage",
        {"name": "m", "version": "1", "stage": "staging"},
        "model_version.stage_transitioned",
        {"name": "m", "version": "1", "stage": "Staging"},
    ),
    (
        "DeleteModelVersion",
        {"name": "m", "version": "1"},
        "model_version.deleted",
        {"name": "m", "version": "1"},
    ),
    (
        "SetModelVersionTag",
        {"name": "m", "version": "1", "key": "k"},
        "model_version_tag.set",
        {"name": "m", "version": "1", "key": "k"},
    ),
    (
        "DeleteModelVersionTag",
        {"name": "m", "version": "1", "key": "old"},
        "model_version_tag.deleted",
        {"name": "m", "version": "1", "key": "old"},
    ),
    (
        "SetRegisteredModelAlias",
        {"name": "m", "alias": "a", "version": "1"},
        "model_version_alias.set",
        {"name": "m", "alias": "a", "version": "1"},
    ),
    (
        "DeleteRegisteredModelAlias",
        {"name": "m", "alias": "old"},
        "model_version_alias.deleted",
        {"name": "m", "alias": "old"},
    ),
]


@pytest.fixture
async def registry(registry: Registry) -> Registry:
    """Return a registry with a model that has one of everything."""
    old = [{"key": "old", "value": ""}]
    await registry.model("m", tags=old)
    await registry.version("m", tags=old)
    await registry.call("SetRegisteredModelAlias", name="m", alias="old", version="1")
    return registry


@pytest.mark.parametrize(
    ("message", "fields", "topic", "payload"), CHANGES, ids=[change[2] for change in CHANGES]
)
async def test_a_change_leaves_an_event(
    registry: Registry, message: str, fields: dict[str, Any], topic: str, payload: dict[str, Any]
) -> None:
    before = len(await registry.topics())
    await registry.call(message, **fields)
    assert len(await registry.topics()) == before + 1
    told, rest = await registry.last_event()
    model_id = rest.pop("registered_model_id", None)
    assert (told, rest) == (f"7.{topic}", payload)
    assert (model_id is not None) == (topic == "registered_model.deleted")


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("DeleteRegisteredModelTag", {"name": "m", "key": "none"}),
        ("DeleteModelVersionTag", {"name": "m", "version": "1", "key": "none"}),
        ("DeleteRegisteredModelAlias", {"name": "m", "alias": "none"}),
    ],
)
async def test_what_changes_nothing_leaves_none(
    registry: Registry, message: str, fields: dict[str, Any]
) -> None:
    before = await registry.topics()
    await registry.call(message, **fields)
    assert await registry.topics() == before


async def test_versions_that_are_archived_leave_events_of_their_own(registry: Registry) -> None:
    await registry.version("m")
    for version in ("1", "2"):
        await registry.call(
            "TransitionModelVersionStage",
            name="m",
            version=version,
            stage="Production",
            archive_existing_versions=True,
        )
    assert await registry.last_event() == (
        "7.model_version.stage_transitioned",
        {"name": "m", "version": "1", "stage": "Archived"},
    )
