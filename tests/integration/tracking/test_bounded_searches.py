"""Searches of experiments and logged models: every way finds the same, and each reads few pages."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.tracking.store.search_experiments import search_experiment_ids
from services.tracking.store.search_logged_models import search_model_ids
from shared.contracts.experiments import SearchExperiments
from shared.contracts.logged_models import LoggedModelOrder, SearchLoggedModels
from shared.contracts.views import ViewType
from shared.mlflow.search.bounded import Budget
from shared.mlflow.search.statement import Page
from tests.integration.tracking.conftest import PROJECT
from tests.searching import Run, differing_ways, most_pages
from tests.service_pools import Pool

TEXTS = ["", "a", "A", "ä", "x" * 249, "x" * 250, "x" * 251, "a%", "%A%", "x%", "_"]
COMPARATORS = ["=", "!=", "LIKE", "ILIKE"]
NUMBERS = ["=", "!=", "<", "<=", ">", ">="]


def experiments(filter_: str, order_by: list[str], size: int, view: ViewType) -> Run:
    async def run(connection: Any, token: str | None, budget: Budget) -> Page[Any]:
        query = SearchExperiments(
            filter=filter_, order_by=order_by, max_results=size, page_token=token, view_type=view
        )
        return await search_experiment_ids(connection, PROJECT, query, budget)

    return run


def models(filter_: str, orders: list[tuple[str, bool]], size: int, of: list[str]) -> Run:
    async def run(connection: Any, token: str | None, budget: Budget) -> Page[Any]:
        query = SearchLoggedModels(
            experiment_ids=of,
            filter=filter_,
            order_by=[LoggedModelOrder(field_name=name, ascending=up) for name, up in orders],
            max_results=size,
            page_token=token,
        )
        return await search_model_ids(connection, PROJECT, query, budget)

    return run


def clauses(key: str, comparators: list[str], values: list[str]) -> st.SearchStrategy[str]:
    return st.builds(
        f"{key} {{}} {{}}".format, st.sampled_from(comparators), st.sampled_from(values)
    )


QUOTED = [f"'{text}'" for text in TEXTS]
LISTS = ["('a')", "('a', 'ä', 'x')", f"('{'x' * 250}', 'A')"]
TIMES = ["0", "1", "2", "3"]
experiment_clauses = (
    clauses("name", COMPARATORS, QUOTED)
    | clauses("tags.t", COMPARATORS, QUOTED)
    | clauses("tags.t", ["IS NULL", "IS NOT NULL"], [""])
    | clauses("creation_time", NUMBERS, TIMES)
    | clauses("experiment_id", ["IN", "NOT IN"], ["('1', '3')", "('99')"])
)
model_clauses = (
    clauses("name", COMPARATORS, QUOTED)
    | clauses("name", ["IN", "NOT IN"], LISTS)
    | clauses("status", ["=", "!="], ["1", "'READY'"])
    | clauses("params.p", COMPARATORS, QUOTED)
    | clauses("tags.t", ["IN", "NOT IN"], LISTS)
    | clauses("metrics.m", NUMBERS, TIMES)
    | clauses("creation_time", NUMBERS, TIMES)
)
properties = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
async def mixed(pool: Pool) -> Pool:
    """A pool on experiments and logged models with awkward texts, equal times, and some without a value."""
    texts = TEXTS[:7]
    await pool.execute(
        "INSERT INTO experiments (project_id, experiment_id, name, artifact_location, deleted,"
        " creation_time, last_update_time)"
        " SELECT $1, i, t, '', i % 3 = 0, i % 2, i % 4 FROM unnest($2::text[]) WITH ORDINALITY u (t, i)",
        PROJECT,
        texts,
    )
    await pool.execute(
        "INSERT INTO experiment_tags SELECT $1, i, 't', t"
        " FROM unnest($2::text[]) WITH ORDINALITY u (t, i) WHERE i % 4 > 0",
        PROJECT,
        texts,
    )
    await pool.execute(
        "INSERT INTO logged_models SELECT $1, 'm-' || i, 1 + i % 2, t, 's3://' || t, i % 3, i % 2,"
        " CASE i % 2 WHEN 0 THEN 'LOGGED_MODEL_READY' ELSE 'LOGGED_MODEL_PENDING' END, t, '', i = 9"
        " FROM unnest($2::text[]) WITH ORDINALITY u (t, i)",
        PROJECT,
        texts * 2,
    )
    for table in ("logged_model_params", "logged_model_tags"):
        key = "p" if table == "logged_model_params" else "t"
        await pool.execute(
            f"INSERT INTO {table} SELECT project_id, model_id, $1, name FROM logged_models"
            " WHERE creation_timestamp_ms > 0",
            key,
        )
    await pool.execute(
        "INSERT INTO logged_model_metrics"
        ' (project_id, model_id, key, "timestamp", step, run_id, value)'
        " SELECT project_id, model_id, 'm', s, s, gen_random_uuid(),"
        " CASE WHEN model_id = 'm-3' THEN 'NaN'::float ELSE length(model_id) * (s % 3) END"
        " FROM logged_models, generate_series(1, 4) s WHERE last_updated_timestamp_ms = 1"
    )
    return pool


@given(
    st.lists(experiment_clauses, max_size=3).map(" AND ".join),
    st.lists(
        st.builds(
            "{} {}".format,
            st.sampled_from(["name", "creation_time", "last_update_time", "experiment_id"]),
            st.sampled_from(["ASC", "DESC"]),
        ),
        max_size=2,
    ),
    st.sampled_from([3, 50]),
    st.sampled_from(list(ViewType)),
)
@properties
async def test_every_way_finds_the_same_experiments(
    mixed: Pool, filter_: str, order_by: list[str], size: int, view: ViewType
) -> None:
    assert await differing_ways(mixed, experiments(filter_, order_by, size, view)) == []


@given(
    st.lists(model_clauses, max_size=3).map(" AND ".join),
    st.lists(
        st.tuples(
            st.sampled_from(["name", "status", "model_id", "metrics.m", "artifact_location"]),
            st.booleans(),
        ),
        max_size=2,
    ),
    st.sampled_from([3, 50]),
    st.sampled_from([["1"], ["1", "2"]]),
)
@properties
async def test_every_way_finds_the_same_logged_models(
    mixed: Pool, filter_: str, orders: list[tuple[str, bool]], size: int, of: list[str]
) -> None:
    assert await differing_ways(mixed, models(filter_, orders, size, of)) == []


MOST_PAGES = 14_000
"""A walk compares at most 3,000 rows, with at most four pages each. All rows would be 24,000 pages or more."""

TAG_FILTERS = [
    f"tags.{key} {comparator} '{value}'"
    for key in ("t", "none")
    for comparator in COMPARATORS
    for value in ("nope", "4", "%rare", "4%", "%")
]


@pytest.fixture
async def thousands(pool: Pool) -> Pool:
    """A pool on 8,000 experiments and 8,000 logged models of one of them."""
    await pool.execute(
        "INSERT INTO experiments (project_id, experiment_id, name, artifact_location,"
        " creation_time, last_update_time)"
        " SELECT $1, i, 'e-' || i, '', i, i FROM generate_series(1, 8000) i",
        PROJECT,
    )
    await pool.execute(
        "INSERT INTO logged_models SELECT $1, 'm-' || i, 1, 'm-' || i, '', i, i,"
        " 'LOGGED_MODEL_READY', '', '' FROM generate_series(1, 8000) i",
        PROJECT,
    )
    value = "i % 10 || CASE WHEN i = 99 THEN 'rare' ELSE '' END"
    await pool.execute(
        f"INSERT INTO experiment_tags SELECT $1, i, 't', {value} FROM generate_series(1, 8000) i",
        PROJECT,
    )
    await pool.execute(
        f"INSERT INTO logged_model_tags SELECT $1, 'm-' || i, 't', {value}"
        " FROM generate_series(1, 8000) i",
        PROJECT,
    )
    await pool.execute(
        "INSERT INTO logged_model_metrics"
        ' (project_id, model_id, key, "timestamp", step, run_id, value)'
        " SELECT $1, 'm-' || i, 'm', i, 0, gen_random_uuid(), i % 1000"
        " FROM generate_series(1, 8000) i",
        PROJECT,
    )
    await pool.execute("VACUUM (ANALYZE)")
    return pool


async def _check(pool: Pool, searches: list[tuple[str, Run]]) -> None:
    found = await most_pages(pool, searches)
    assert found[0][0] < MOST_PAGES, found[:20]


async def test_no_search_of_experiments_reads_many_pages(thousands: Pool) -> None:
    filters = [
        *TAG_FILTERS,
        "",
        *(f"tags.{key} IS {no}NULL" for key in ("t", "none") for no in ("", "NOT ")),
        *(f"name {c} '{v}'" for c in COMPARATORS for v in ("nope", "e-77", "e%", "%77")),
        *(f"creation_time {c} {v}" for c in NUMBERS for v in (0, 20, 4000, 8000)),
    ]
    orders = (["name"], ["name DESC"], ["creation_time"], ["experiment_id"], ["last_update_time"])
    await _check(
        thousands,
        [
            (f"{each} {order}", experiments(each, order, 50, ViewType.ACTIVE_ONLY))
            for index, each in enumerate(filters)
            for order in ([], orders[index % len(orders)])
        ],
    )


async def test_no_search_of_logged_models_reads_many_pages(thousands: Pool) -> None:
    filters = [
        *TAG_FILTERS,
        "",
        *(f"name {c} '{v}'" for c in COMPARATORS for v in ("nope", "m-77", "m%", "%77")),
        *(f"metrics.{k} {c} {v}" for k in ("m", "none") for c in NUMBERS for v in (-1, 500, 999)),
    ]
    orders: tuple[list[tuple[str, bool]], ...] = (
        [("name", True)],
        [("status", False)],
        [("last_updated_timestamp", True)],
    )
    searches: list[tuple[str, Run]] = [
        (f"{each} {order}", models(each, order, 50, ["1"]))
        for index, each in enumerate(filters)
        for order in ([], orders[index % len(orders)])
    ]
    best = models("", [("metrics.m", False)], 50, ["1"])
    await _check(thousands, [*searches, ("by metric", best)])
