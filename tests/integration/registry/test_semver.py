"""Semantic versions of model versions: given, counted on, unique, and given to those that had none."""

import asyncio

import asyncpg
import pytest

from services.registry import semver
from shared.contracts.errors import DomainError, ErrorCode
from shared.postgres.migrate import migrate, service_migrations
from tests.integration.registry.conftest import FakeTracking, Registry
from tests.service_pools import service_pool

OTHER_PROJECT = 8


async def semvers(registry: Registry, name: str = "m") -> list[str]:
    rows = await registry.pool.fetch(
        "SELECT semver FROM model_versions JOIN registered_models"
        " USING (project_id, registered_model_id) WHERE registered_models.name = $1 ORDER BY version",
        name,
    )
    return [row["semver"] for row in rows]


def tagged_semver(text: str) -> dict[str, object]:
    return {"tags": [{"key": "gitlab.version", "value": text}]}


async def test_versions_count_on_from_the_highest(registry: Registry) -> None:
    await registry.model("m")
    await registry.version("m")
    await registry.version("m")
    await registry.version("m", **tagged_semver("2.0.0-rc.1"))
    await registry.version("m", **tagged_semver("1.5.0"))
    await registry.version("m")
    assert await semvers(registry) == ["1.0.0", "1.0.1", "2.0.0-rc.1", "1.5.0", "2.0.1-rc.1"]
    assert (await registry.read_version("4"))["tags"] == tagged_semver("1.5.0")["tags"]


async def test_of_equal_precedence_the_later_is_counted_on(registry: Registry) -> None:
    await registry.model("m")
    for text in ("1.0.0+b", "1.0.0+a"):
        await registry.version("m", **tagged_semver(text))
    await registry.version("m")
    assert (await semvers(registry))[-1] == "1.0.1+a"


REFUSED = {
    "1.0.0": "Version has already been taken",
    "one": "Version must be semantic version",
    "1.0.0-" + "x" * 250: "Version must be semantic version",
}


async def test_refusals_are_gitlabs_and_leave_no_gap(registry: Registry) -> None:
    await registry.model("m")
    await registry.version("m")
    for text, message in REFUSED.items():
        with pytest.raises(DomainError) as caught:
            await registry.version("m", **tagged_semver(text))
        assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
        assert caught.value.message == message
    assert (await registry.version("m"))["version"] == "2"


async def test_fifty_at_once_get_fifty_of_each(registry: Registry) -> None:
    await registry.model("m")
    made = await asyncio.gather(*(registry.version("m") for _ in range(50)))
    assert sorted(int(each["version"]) for each in made) == list(range(1, 51))
    assert await semvers(registry) == [f"1.0.{patch}" for patch in range(50)]


async def test_the_order_in_the_database_is_the_precedence(registry: Registry) -> None:
    await registry.model("m")
    for text in ("1.10.0", "1.9.0", "1.10.0-rc.11", "1.10.0-rc.2", "1.10.0-rc"):
        await registry.version("m", **tagged_semver(text))
    rows = await registry.pool.fetch("SELECT semver FROM model_versions ORDER BY semver_key")
    assert [row["semver"] for row in rows] == [
        "1.9.0",
        "1.10.0-rc",
        "1.10.0-rc.2",
        "1.10.0-rc.11",
        "1.10.0",
    ]


async def _insert(connection: asyncpg.Connection, version: int, created: int) -> None:
    """Insert a version as processes did before versions had semantic ones."""
    await connection.execute(
        "INSERT INTO registry.model_versions (project_id, registered_model_id, version,"
        " creation_time, last_updated_time, source, storage_location, run_id, run_link)"
        " SELECT project_id, registered_model_id, $1, $2, $2, 's', 's', '', ''"
        " FROM registry.registered_models",
        version,
        created,
    )


async def test_versions_from_before_are_numbered_in_their_order(database_dsn: str) -> None:
    everything = service_migrations("registry")
    before = [each for each in everything if each.component != "registry" or each.version == 1]
    await migrate(database_dsn, "registry", before)
    connection = await asyncpg.connect(database_dsn)
    await connection.execute(
        "INSERT INTO registry.registered_models (project_id, registered_model_id, name,"
        " description, creation_time, last_updated_time, next_version)"
        " VALUES (7, gen_random_uuid(), 'm', '', 1, 1, 15)"
    )
    for version in (1, 3, *range(5, 14)):
        await _insert(connection, version, created=100 + version)
    await migrate(database_dsn, "registry", service_migrations("registry"))
    await _insert(connection, 14, created=200)
    await connection.close()
    async with service_pool(database_dsn, "registry") as pool:
        registry = Registry(pool, FakeTracking())
        rows = await pool.fetch("SELECT * FROM model_versions ORDER BY version")
        assert [row["semver"] for row in rows] == [f"1.0.{patch}" for patch in [*range(11), 13]]
        assert [row["semver_key"] for row in rows] == [
            semver.parse_or_refuse(row["semver"]).key for row in rows
        ]
        assert [row["id"] for row in rows] == list(range(1, 13))
        assert (await registry.version("m"))["version"] == "15"
        assert (await semvers(registry))[-1] == "1.0.14"
