"""Searches of the registry: every way finds the same, and every filter and order reads few pages."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.registry.store.search_model_versions import search_model_version_keys
from services.registry.store.search_registered_models import search_registered_model_ids
from shared.contracts.model_versions import SearchModelVersions
from shared.contracts.registered_models import SearchRegisteredModels
from shared.mlflow.search.bounded import Budget
from shared.mlflow.search.statement import Page
from tests.integration.registry.conftest import PROJECT, Registry
from tests.searching import Run, differing_ways, most_pages
from tests.service_pools import Pool

NAMES = ["", "a", "A", "ab", "ä", "Ä", "b%", "x" * 249, "x" * 250, "x" * 251, "\U0010ffff"]
TEXTS = [*NAMES, "a%", "%", "%b%", "_", "x%", "ä%", "\U0010ffff%"]
COMPARATORS = ["=", "!=", "LIKE", "ILIKE"]
LISTS = ["IN", "NOT IN"]
NUMBERS = ["=", "!=", "<", "<=", ">", ">="]


def quoted(comparator: str, values: list[str]) -> str:
    texts = [f"'{value}'" for value in values]
    return f"({', '.join(texts)})" if comparator in LISTS else texts[0]


values = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3)
tag_clauses = st.builds(
    lambda key, comparator, texts: f"tags.{key} {comparator} {quoted(comparator, texts)}",
    st.sampled_from(["t", "u", "none"]),
    st.sampled_from(COMPARATORS),
    values,
)


def text_clauses(key: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda comparator, texts: f"{key} {comparator} {quoted(comparator, texts)}",
        st.sampled_from(COMPARATORS + LISTS),
        values,
    )


name_clauses = text_clauses("name")
other_clauses = st.builds(
    lambda comparator, text: f"source_path {comparator} 's3://{text}'",
    st.sampled_from(COMPARATORS),
    st.sampled_from(TEXTS),
) | st.builds(
    lambda comparator, number: f"version_number {comparator} {number}",
    st.sampled_from(NUMBERS),
    st.sampled_from([0, 1, 2, 3, 99, 10**30]),
)
filters = st.lists(
    tag_clauses | name_clauses | text_clauses("run_id") | other_clauses, max_size=3
).map(" AND ".join)
orders = st.lists(
    st.builds(
        "{} {}".format,
        st.sampled_from(["name", "version_number", "creation_timestamp", "last_updated_timestamp"]),
        st.sampled_from(["ASC", "DESC"]),
    ),
    max_size=2,
    unique_by=lambda order: order.split()[0],
)


def versions(filter_: str, order_by: list[str], size: int, number: str = "version") -> Run:
    async def run(connection: Any, token: str | None, budget: Budget) -> Page[Any]:
        query = SearchModelVersions(
            filter=filter_, order_by=order_by, max_results=size, page_token=token
        )
        return await search_model_version_keys(connection, PROJECT, query, number, budget)

    return run


def models(filter_: str, order_by: list[str], size: int) -> Run:
    async def run(connection: Any, token: str | None, budget: Budget) -> Page[Any]:
        query = SearchRegisteredModels(
            filter=filter_, order_by=order_by, max_results=size, page_token=token
        )
        return await search_registered_model_ids(connection, PROJECT, query, budget)

    return run


@pytest.fixture
async def mixed(registry: Registry) -> Pool:
    """A pool on models and versions with awkward texts, equal times, and a prompt."""
    await registry.prompt("prompt")
    for number, name in enumerate(name for name in NAMES if name):
        tags = [{"key": "t", "value": NAMES[number]}, {"key": "u", "value": "a" * (number % 2)}]
        await registry.model(name, tags=tags)
        for version in range(3):
            await registry.version(name, run_id=NAMES[version], tags=tags[:version])
        await registry.pool.execute(
            "UPDATE model_versions SET source = $1 WHERE name = $2 AND version > 1",
            f"s3://{NAMES[-number - 1]}",
            name,
        )
    await registry.pool.execute(
        "UPDATE model_versions SET creation_time = version % 2, last_updated_time = length(name) % 3"
    )
    await registry.pool.execute("UPDATE registered_models SET last_updated_time = length(name) % 3")
    return registry.pool


properties = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(filters, orders, st.sampled_from([4, 50]), st.sampled_from(["version", "id"]))
@properties
async def test_every_way_finds_the_same_versions(
    mixed: Pool, filter_: str, order_by: list[str], size: int, number: str
) -> None:
    assert await differing_ways(mixed, versions(filter_, order_by, size, number)) == []


@given(
    st.lists(tag_clauses | name_clauses, max_size=3).map(" AND ".join),
    st.sampled_from([[], ["name DESC"], ["timestamp"], ["timestamp DESC"]]),
    st.sampled_from([4, 50]),
)
@properties
async def test_every_way_finds_the_same_models(
    mixed: Pool, filter_: str, order_by: list[str], size: int
) -> None:
    assert await differing_ways(mixed, models(filter_, order_by, size)) == []


MODELS, VERSIONS_EACH = 200, 40
MOST_PAGES = 14_000
"""A walk compares at most 3,000 rows, with at most four pages each. All rows would be 32,000 pages or more."""


@pytest.fixture
async def thousands(pool: Pool) -> Pool:
    """A pool on 8,000 versions with two tags each."""
    await pool.execute(
        "INSERT INTO registered_models"
        " SELECT $1, gen_random_uuid(), 'model-' || i, '', i, i, 1 FROM generate_series(1, $2::int) i",
        PROJECT,
        MODELS,
    )
    await pool.execute(
        "INSERT INTO model_versions (project_id, registered_model_id, version, creation_time,"
        " last_updated_time, source, storage_location, run_id, run_link)"
        " SELECT $1, registered_model_id, i, creation_time + i, creation_time + i,"
        " 's3://' || name || '/' || i, '', name || 'r' || i, ''"
        " FROM registered_models, generate_series(1, $2::int) i",
        PROJECT,
        VERSIONS_EACH,
    )
    for table, of in (
        ("model_version_tags", "model_versions"),
        ("registered_model_tags", "registered_models"),
    ):
        key = "registered_model_id" + (", version" if of == "model_versions" else "")
        await pool.execute(
            f"INSERT INTO {table} SELECT project_id, {key}, k,"
            " (creation_time * ascii(k) % 10)::text || CASE WHEN creation_time = 99 THEN 'rare' ELSE '' END"
            f" FROM {of}, unnest('{{t,u}}'::text[]) k"
        )
    await pool.execute("VACUUM (ANALYZE)")
    return pool


VERSION_ORDERS = [
    ["name"],
    ["name DESC"],
    ["version_number"],
    ["version_number DESC"],
    ["creation_timestamp"],
    ["creation_timestamp DESC"],
    ["last_updated_timestamp"],
]


def generated() -> Iterator[str]:
    """Yield a filter for each comparator and none, few, half or all of the rows."""
    for name in ("name", "run_id", "source_path"):
        few = {"name": "model-7", "run_id": "model-7r3", "source_path": "s3://model-7/3"}[name]
        for text in ("nope", few):
            yield from (f"{name} {c} '{text}'" for c in COMPARATORS)
            if name != "source_path":
                yield from (f"{name} {c} ('{text}', 'x')" for c in LISTS)
        yield from (f"{name} LIKE '{pattern}'" for pattern in ("s3:%", "model%", "%1%", "%nope"))
    for number in (0, 1, 20, 40, 41):
        yield from (f"version_number {comparator} {number}" for comparator in NUMBERS)
    yield from TAG_FILTERS


TAG_FILTERS = [
    f"tags.{key} {comparator} '{value}'"
    for key in ("t", "none")
    for comparator in COMPARATORS
    for value in ("nope", "4", "%rare", "4%", "%")
] + ["tags.t = '4' AND tags.u = '2'", "tags.t = '4' AND tags.t = '5'"]


async def test_no_search_of_versions_reads_many_pages(thousands: Pool) -> None:
    searches = [
        (f"{filter_} {order_by}", versions(filter_, order_by, 50))
        for index, filter_ in enumerate(generated())
        for order_by in ([], VERSION_ORDERS[index % len(VERSION_ORDERS)])
    ]
    found = await most_pages(thousands, searches)
    assert found[0][0] < MOST_PAGES, found[:20]


async def test_no_search_of_models_reads_many_pages(thousands: Pool) -> None:
    names = [each for each in generated() if each.startswith("name")]
    searches = [
        (f"{filter_} {order_by}", models(filter_, order_by, 50))
        for filter_ in (*names, *TAG_FILTERS)
        for order_by in ([], ["timestamp DESC"])
    ]
    found = await most_pages(thousands, searches)
    assert found[0][0] < MOST_PAGES, found[:20]


async def test_versions_follow_the_name_of_their_model(registry: Registry) -> None:
    """Also if a process of the previous release changes the name, which knows only the model."""
    await registry.model("m")
    await registry.version("m")
    await registry.call("RenameRegisteredModel", name="m", new_name="n")
    await registry.pool.execute("UPDATE registered_models SET name = 'o' WHERE name = 'n'")
    reply = await registry.call("SearchModelVersions", filter="name = 'o'")
    assert [each["name"] for each in reply["model_versions"]] == ["o"]
