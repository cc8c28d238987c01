"""Many clients at once: no number twice, no gap, no alias on two versions, nothing done twice."""

import asyncio
import json
from collections import Counter

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.messages import Frame, new_id
from tests.integration.registry.conftest import Registry, envelope

WRITERS = 50


async def test_fifty_creates_at_once_give_one_to_fifty(registry: Registry) -> None:
    await registry.model("m")
    versions = await asyncio.gather(*(registry.version("m") for _ in range(WRITERS)))
    numbers = sorted(int(version["version"]) for version in versions)
    assert numbers == list(range(1, WRITERS + 1))


async def test_refused_creates_among_others_leave_no_gap(registry: Registry) -> None:
    await registry.model("m")

    async def create(writer: int) -> str | None:
        try:
            source = "s3://b/p" if writer % 2 else "/etc"
            return (await registry.version("m", source=source))["version"]
        except DomainError:
            return None

    found = await asyncio.gather(*(create(writer) for writer in range(WRITERS)))
    assert sorted(int(v) for v in found if v) == list(range(1, WRITERS // 2 + 1))


async def test_models_of_one_name_are_made_once(registry: Registry) -> None:
    async def create() -> str:
        try:
            return (await registry.model("m"))["name"]
        except DomainError as error:
            return error.code

    outcomes = Counter(await asyncio.gather(*(create() for _ in range(WRITERS))))
    assert outcomes == {"m": 1, ErrorCode.RESOURCE_ALREADY_EXISTS: WRITERS - 1}


async def test_a_rename_while_versions_are_created_loses_none(registry: Registry) -> None:
    """After the rename the old name is not found; no number is given twice."""
    await registry.model("old")

    async def create(name: str) -> tuple[str, str] | None:
        try:
            version = await registry.version(name)
        except DomainError as error:
            assert error.code is ErrorCode.RESOURCE_DOES_NOT_EXIST
            return None
        return version["name"], version["version"]

    names = ["old", "new"] * (WRITERS // 2)
    created, _ = await asyncio.gather(
        asyncio.gather(*(create(name) for name in names)),
        registry.call("RenameRegisteredModel", name="old", new_name="new"),
    )
    numbers = sorted(int(each[1]) for each in created if each)
    assert numbers == list(range(1, len(numbers) + 1))
    reply = await registry.call("SearchModelVersions", filter="name = 'new'")
    assert len(reply["model_versions"]) == len(numbers)


async def test_two_renames_to_one_name_leave_one_winner(registry: Registry) -> None:
    names = [f"m{number}" for number in range(10)]
    for name in names:
        await registry.model(name)

    async def rename(name: str) -> str:
        try:
            await registry.call("RenameRegisteredModel", name=name, new_name="taken")
        except DomainError as error:
            return error.code
        return "renamed"

    outcomes = Counter(await asyncio.gather(*(rename(name) for name in names)))
    assert outcomes == {"renamed": 1, ErrorCode.RESOURCE_ALREADY_EXISTS: 9}


async def test_what_is_deleted_while_it_is_read_is_whole_or_not_there(registry: Registry) -> None:
    async def read(message: str, **fields: str) -> None:
        try:
            await registry.call(message, name="m", **fields)
        except DomainError as error:
            assert error.code is ErrorCode.RESOURCE_DOES_NOT_EXIST

    for _ in range(20):
        await registry.model("m")
        await registry.version("m")
        await asyncio.gather(
            *(read("GetRegisteredModel") for _ in range(5)),
            *(read("GetModelVersion", version="1") for _ in range(5)),
            registry.call("DeleteRegisteredModel", name="m"),
            read("RenameRegisteredModel", new_name="m"),
        )


async def test_an_alias_set_by_many_points_to_one_version(registry: Registry) -> None:
    await registry.model("m")
    versions = [str(number) for number in range(1, 11)]
    for _ in versions:
        await registry.version("m")
    await asyncio.gather(
        *(
            registry.call("SetRegisteredModelAlias", name="m", alias="best", version=version)
            for version in versions * 5
        )
    )
    model = await registry.read_model()
    assert [alias["alias"] for alias in model["aliases"]] == ["best"]
    winner = model["aliases"][0]["version"]
    aliased = [v for v in versions if (await registry.read_version(v))["aliases"]]
    assert aliased == [winner]


async def test_an_alias_never_points_to_a_deleted_version(registry: Registry) -> None:
    await registry.model("m")
    for number in range(1, 21):
        await registry.version("m")

        async def point(version: str = str(number)) -> bool:
            fields = {"name": "m", "alias": "best", "version": version}
            try:
                await registry.call("SetRegisteredModelAlias", **fields)
            except DomainError as error:
                assert error.code is ErrorCode.RESOURCE_DOES_NOT_EXIST
                return False
            return True

        await asyncio.gather(
            point(), registry.call("DeleteModelVersion", name="m", version=str(number))
        )
        assert (await registry.read_model())["aliases"] == []


async def test_transitions_at_once_leave_one_version_in_production(registry: Registry) -> None:
    await registry.model("m")
    versions = [str(number) for number in range(1, 21)]
    for _ in versions:
        await registry.version("m")
    await asyncio.gather(
        *(
            registry.call(
                "TransitionModelVersionStage",
                name="m",
                version=version,
                stage="Production",
                archive_existing_versions=True,
            )
            for version in versions
        )
    )
    reply = await registry.call("SearchModelVersions", filter="name = 'm'")
    stages = Counter(each["current_stage"] for each in reply["model_versions"])
    assert stages == {"Production": 1, "Archived": 19}


async def test_a_redelivered_frame_is_answered_and_not_done_again(registry: Registry) -> None:
    await registry.model("m")
    commands = [envelope("CreateModelVersion", name="m", source="s3://b/p") for _ in range(3)]
    frame = Frame(new_id(), "commands", commands)
    first, *copies = await asyncio.gather(
        *(registry.executor.commands(frame, redelivered=copy > 0) for copy in range(5))
    )
    bodies = [[copy.answers[index].body for index in range(3)] for copy in (first, *copies)]
    assert all(each == bodies[0] for each in bodies)
    numbers = [json.loads(body)["model_version"]["version"] for body in bodies[0]]
    assert numbers == ["1", "2", "3"]
    reply = await registry.call("SearchModelVersions", filter="name = 'm'")
    assert len(reply["model_versions"]) == 3
    assert (await registry.topics()).count("7.model_version.created") == 3
