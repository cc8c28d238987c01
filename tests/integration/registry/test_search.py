"""Searches of models and versions: filters, orders, pages, and the way to them through the indexes."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from services.registry.store.search_model_versions import search_model_version_keys
from services.registry.store.search_registered_models import search_registered_model_ids
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.model_versions import SearchModelVersions
from shared.contracts.registered_models import SearchRegisteredModels
from tests.explaining import Explaining, pages_read
from tests.integration.registry.conftest import PROJECT, FakeTracking, Registry
from tests.service_pools import service_pool

OTHER_PROJECT = 8


async def search(registry: Registry, message: str, key: str, page: int, **fields: Any) -> list[Any]:
    """Return what all pages of a search hold."""
    found: list[Any] = []
    token = ""
    while True:
        reply = await registry.call(message, **fields, max_results=page, page_token=token)
        assert len(reply[key]) <= page
        found += reply[key]
        token = reply.get("next_page_token", "")
        if not token:
            return found


@pytest.fixture
async def models(registry: Registry) -> Registry:
    """Return a registry with models that were changed in another order than that of their names."""
    for number, (name, tags) in enumerate(
        {
            "beta": {"team": "red"},
            "Alpha": {"team": "blue", "x": "1"},
            "alpine": {},
            "b": {},
        }.items()
    ):
        await registry.model(name, tags=[{"key": k, "value": v} for k, v in tags.items()])
        await registry.pool.execute(
            "UPDATE registered_models SET last_updated_time = $1 WHERE name = $2", number // 2, name
        )
    await registry.model("beta", OTHER_PROJECT, tags=[{"key": "team", "value": "red"}])
    return registry


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["Alpha", "alpine", "b", "beta"]),
        ({"filter": "name = 'beta'"}, ["beta"]),
        ({"filter": "name != 'beta'"}, ["Alpha", "alpine", "b"]),
        ({"filter": "name LIKE 'al%'"}, ["alpine"]),
        ({"filter": "name ILIKE 'al%'"}, ["Alpha", "alpine"]),
        ({"filter": "name IN ('b', 'beta', 'x')"}, ["b", "beta"]),
        ({"filter": "name NOT IN ('b', 'beta')"}, ["Alpha", "alpine"]),
        ({"filter": "tags.team = 'red'"}, ["beta"]),
        ({"filter": "tags.team != 'red'"}, ["Alpha"]),
        ({"filter": "tag.team LIKE '%e%' AND tags.x = '1'"}, ["Alpha"]),
        ({"filter": "tags.team = 'red' AND tags.team = 'blue'"}, []),
        ({"filter": "name = '_'"}, []),
        ({"order_by": ["name DESC"]}, ["beta", "b", "alpine", "Alpha"]),
        ({"order_by": ["timestamp DESC"]}, ["alpine", "b", "Alpha", "beta"]),
        (
            {"order_by": ["last_updated_timestamp", "name DESC"]},
            ["beta", "Alpha", "b", "alpine"],
        ),
    ],
)
async def test_models_are_found_in_order_page_by_page(
    models: Registry, fields: dict[str, Any], expected: list[str]
) -> None:
    for page in (1, 3, 100):
        found = await search(models, "SearchRegisteredModels", "registered_models", page, **fields)
        assert [each["name"] for each in found] == expected


async def test_a_model_that_is_found_is_whole(registry: Registry) -> None:
    await registry.model("m", tags=[{"key": "k", "value": "v"}], description="d")
    await registry.version("m")
    await registry.call("SetRegisteredModelAlias", name="m", alias="a", version="1")
    reply = await registry.call("SearchRegisteredModels")
    assert reply["registered_models"] == [await registry.read_model("m")]


@pytest.fixture
async def versions(registry: Registry) -> Registry:
    """Return a registry with versions 1 and 2 of `a`, changed first, and 1 to 3 of `b`."""
    for name, count in (("b", 3), ("a", 2)):
        await registry.model(name)
        for number in range(1, count + 1):
            await registry.version(
                name,
                source=f"s3://{name}/{number}",
                run_id=f"run{number}",
                tags=[{"key": "parity", "value": "odd" if number % 2 else "even"}],
            )
    await registry.pool.execute(
        "UPDATE model_versions SET last_updated_time = 1, creation_time = version"
    )
    await registry.pool.execute(
        "UPDATE model_versions SET last_updated_time = 2 WHERE source LIKE 's3://b/%'"
    )
    await registry.model("a", OTHER_PROJECT)
    await registry.version("a", OTHER_PROJECT)
    return registry


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["b3", "b2", "b1", "a2", "a1"]),
        ({"filter": "name = 'a'"}, ["a2", "a1"]),
        ({"filter": "name IN ('a', 'x')"}, ["a2", "a1"]),
        ({"filter": "run_id = 'run3'"}, ["b3"]),
        ({"filter": "run_id IN ('run1', 'run3')"}, ["b3", "b1", "a1"]),
        ({"filter": "source_path = 's3://a/1'"}, ["a1"]),
        ({"filter": "source_path LIKE 's3://b/%'"}, ["b3", "b2", "b1"]),
        ({"filter": "version_number > 1"}, ["b3", "b2", "a2"]),
        ({"filter": "version_number = '3'"}, ["b3"]),
        ({"filter": "version_number != 1 AND name = 'b'"}, ["b3", "b2"]),
        ({"filter": "version_number < 99999999999999999999"}, ["b3", "b2", "b1", "a2", "a1"]),
        ({"filter": "tags.parity = 'even'"}, ["b2", "a2"]),
        ({"filter": "tags.parity != 'even' AND name = 'b'"}, ["b3", "b1"]),
        ({"order_by": ["name"]}, ["a2", "a1", "b3", "b2", "b1"]),
        ({"order_by": ["name DESC"]}, ["b3", "b2", "b1", "a2", "a1"]),
        ({"order_by": ["version_number"]}, ["a1", "b1", "a2", "b2", "b3"]),
        ({"order_by": ["version_number DESC", "name DESC"]}, ["b3", "b2", "a2", "b1", "a1"]),
        ({"order_by": ["creation_timestamp DESC"]}, ["b3", "a2", "b2", "a1", "b1"]),
        ({"order_by": ["last_updated_timestamp"]}, ["a2", "a1", "b3", "b2", "b1"]),
    ],
)
async def test_versions_are_found_in_order_page_by_page(
    versions: Registry, fields: dict[str, Any], expected: list[str]
) -> None:
    for page in (1, 2, 100):
        found = await search(versions, "SearchModelVersions", "model_versions", page, **fields)
        assert [each["name"] + each["version"] for each in found] == expected


async def test_a_version_that_is_found_is_whole(registry: Registry) -> None:
    await registry.model("m")
    await registry.version("m", tags=[{"key": "k", "value": "v"}])
    await registry.call("SetRegisteredModelAlias", name="m", alias="a", version="1")
    reply = await registry.call("SearchModelVersions")
    version = await registry.read_version("1")
    # MLflow names the aliases of a version, but not of versions that are found.
    assert version.pop("aliases") == ["a"]
    assert reply["model_versions"] == [version]


async def test_a_version_that_arrives_between_pages_moves_no_other(versions: Registry) -> None:
    fields = {"order_by": ["last_updated_timestamp DESC"], "max_results": 2}
    first = await versions.call("SearchModelVersions", **fields)
    await versions.version("a")
    second = await versions.call(
        "SearchModelVersions", **fields, page_token=first["next_page_token"]
    )
    pages = [*first["model_versions"], *second["model_versions"]]
    assert [each["name"] + each["version"] for each in pages] == ["b3", "b2", "b1", "a2"]


@pytest.mark.parametrize("message", ["SearchRegisteredModels", "SearchModelVersions"])
@pytest.mark.parametrize(
    "fields",
    [
        {"filter": "nonsense"},
        {"filter": "params.a = 'x'"},
        {"order_by": ["nonsense"]},
        {"order_by": ["name", "name DESC"]},
        {"page_token": "nonsense"},
        {"max_results": 0},
        {"max_results": -1},
        {"max_results": 200_001},
    ],
)
async def test_a_wrong_search_is_refused(
    registry: Registry, message: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(DomainError) as caught:
        await registry.call(message, **fields)
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE


async def test_a_page_of_models_is_at_most_a_thousand(registry: Registry) -> None:
    with pytest.raises(DomainError, match="It must be at most 1000"):
        await registry.call("SearchRegisteredModels", max_results=1001)


VERSIONS = 200_000
MODELS = 1_000
ENOUGH = 1_000


@pytest.fixture(scope="module")
async def many(postgres: EmbeddedPostgres) -> AsyncIterator[Registry]:
    """Return a registry with 200,000 versions, half of them of one model; not to be changed."""
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute("CREATE DATABASE many_versions")
    await admin.close()
    async with service_pool(postgres.dsn("many_versions"), "registry") as pool:
        await _insert_many(pool)
        await pool.execute("ANALYZE registered_models, model_versions, model_version_tags")
        yield Registry(pool, FakeTracking())


async def _insert_many(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    await pool.execute(
        "INSERT INTO registered_models SELECT $1, gen_random_uuid(), 'model-' || i, '', i, i, 1"
        " FROM generate_series(1, $2::int) i",
        PROJECT,
        MODELS,
    )
    await pool.execute(
        "INSERT INTO model_versions (project_id, registered_model_id, version, creation_time,"
        " last_updated_time, source, storage_location, run_id, run_link)"
        " SELECT $1, m.registered_model_id, i, i, i, 's3://b', 's3://b', 'run' || i, ''"
        " FROM generate_series(1, $2::int) i JOIN registered_models m"
        " ON m.name = 'model-' || CASE WHEN i % 2 = 0 THEN 1 ELSE 1 + i % $3::int END",
        PROJECT,
        VERSIONS,
        MODELS,
    )


async def test_a_page_of_200_000_versions_reads_no_more_than_a_page(many: Registry) -> None:
    explaining = Explaining(many.pool)
    query = SearchModelVersions(max_results=100)
    seen: list[int] = []
    for _ in range(3):
        page = await search_model_version_keys(explaining, PROJECT, query, "version")
        seen += [version for _, version in page.items]
        query.page_token = page.next_page_token
    assert seen == list(range(VERSIONS, VERSIONS - 300, -1))
    for plan in explaining.plans:
        assert "model_versions_updated_idx" in plan
        assert pages_read(plan) < ENOUGH, plan


async def test_a_models_versions_are_found_by_its_name(many: Registry) -> None:
    explaining = Explaining(many.pool)
    query = SearchModelVersions(filter="name = 'model-2'", order_by=["version_number DESC"])
    page = await search_model_version_keys(explaining, PROJECT, query, "version")
    assert len(page.items) == VERSIONS // MODELS
    # The versions are counted first, then read.
    assert sum(map(pages_read, explaining.plans)) < 2 * ENOUGH, explaining.plans


async def test_versions_of_a_run_are_found_by_the_run(many: Registry) -> None:
    explaining = Explaining(many.pool)
    query = SearchModelVersions(filter="run_id = 'run77'")
    page = await search_model_version_keys(explaining, PROJECT, query, "version")
    assert [version for _, version in page.items] == [77]
    assert "model_versions_run_idx" in explaining.plans[0]


async def test_a_page_of_models_is_read_from_the_index_in_order(many: Registry) -> None:
    explaining = Explaining(many.pool)
    for order_by, index in (
        ([], "registered_models_name_key"),
        (["timestamp"], "registered_models_updated_idx"),
    ):
        query = SearchRegisteredModels(max_results=50, order_by=order_by)
        for _ in range(2):
            page = await search_registered_model_ids(explaining, PROJECT, query)
            query.page_token = page.next_page_token
            assert index in explaining.plans[-1]
            assert "Sort" not in explaining.plans[-1]


async def test_the_newest_versions_of_a_large_model_are_read_by_stage(many: Registry) -> None:
    model = await many.read_model("model-1")
    assert [each["version"] for each in model["latest_versions"]] == [str(VERSIONS)]
