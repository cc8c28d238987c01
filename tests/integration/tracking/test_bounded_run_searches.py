"""Searches of runs, generated: each reads a bounded number of pages, or is one of those that can't."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.tracking.store.search_runs import Budget, search_run_ids
from shared.contracts.runs import SearchRuns
from tests.explaining import Explaining, pages_read
from tests.integration.tracking.conftest import PROJECT
from tests.service_pools import Pool

RUNS = 20_000
MOST_PAGES = 6_000
"""Comparing every run exactly reads at least four pages for each."""

TEXTS = ["=", "!=", "LIKE", "ILIKE"]
NUMBERS = ["=", "!=", "<", "<=", ">", ">="]

PARAM_VALUES = ("nope", "v7", "h0", "%rare", "h%", "%")
"""None, few, half, few at the end of the text, all that begin with a letter, all."""

FILTERS = [
    "",
    *(f"metrics.{key} {c} {v}" for key in ("m", "few") for c in NUMBERS for v in (-1, 0.5, 0.9999)),
    *(f"{e} {c} '{v}'" for e in ("params.p", "tags.t") for c in TEXTS for v in PARAM_VALUES),
    *(f"{e} IS {no}NULL" for e in ("params.p", "params.few", "tags.t") for no in ("", "NOT ")),
    *(f"run_name {c} '{v}'" for c in TEXTS for v in ("nope", "run-77", "run-%", "%777")),
    *(f"status {c} '{v}'" for c in TEXTS for v in ("FAILED", "FINISHED", "F%")),
    *(f"user_id {c} '{v}'" for c in TEXTS for v in ("nobody", "me")),
    *(f"{e} {c} {v}" for e in ("start_time", "end_time") for c in NUMBERS for v in (0, 10_000)),
    *(f"run_id {c}" for c in ("= 'x'", "!= 'x'", f"IN ('{'0' * 31}1')", f"NOT IN ('{'0' * 31}1')")),
    *(f"dataset.{e} {c} '{v}'" for e in ("name", "digest") for c in TEXTS for v in ("none", "d1")),
    "metrics.m > 0.5 AND params.p = 'v7'",
    "metrics.m > 0.5 AND tags.t = 'h0' AND params.p != 'h0'",
    "metrics.m > 0.4 AND metrics.m < 0.4001",
]
ORDERS = (
    "start_time ASC",
    "metrics.m DESC",
    "metrics.few",
    "params.p",
    "tags.t DESC",
    "run_name",
    "end_time DESC",
    "run_id",
)


@pytest.fixture
async def thousands(pool: Pool) -> Pool:
    """A pool on runs that are folded, all but ten, with a metric, a param and a tag; every 500th has one more metric."""
    values = "CASE WHEN i % 2 = 0 THEN 'h0' WHEN i % 997 = 7 THEN 'v7' ELSE 'w' || i END"
    rare = "|| CASE WHEN i % 1999 = 1 THEN 'rare' ELSE '' END"
    some = "FROM generate_series(1, $2::int) i"
    run_id = "lpad(to_hex(i), 32, '0')::uuid"
    number = await pool.fetchval(
        "INSERT INTO experiments (project_id, experiment_id, name, artifact_location, creation_time,"
        " last_update_time) VALUES ($1, 1, 'e', '', 0, 0) RETURNING experiment_number",
        PROJECT,
    )
    await pool.execute(
        "INSERT INTO runs (project_id, run_id, experiment_id, experiment_number, name, user_id, status,"
        " start_time, end_time, artifact_uri, folded)"
        f" SELECT $1, {run_id}, 1, $3, 'run-' || i, 'me', CASE i % 2 WHEN 0 THEN 'FINISHED' ELSE 'RUNNING' END,"
        f" i, CASE i % 2 WHEN 0 THEN i END, 'uri-' || i, i % 2000 > 0 {some}",
        PROJECT,
        RUNS,
        number,
    )
    await pool.execute(
        "INSERT INTO unfolded_runs SELECT project_id, experiment_id, run_id FROM runs WHERE NOT folded"
    )
    for table, key in (("params", "p"), ("tags", "t")):
        await pool.execute(
            f"INSERT INTO {table} (project_id, run_id, key, value, experiment_number, start_time)"
            f" SELECT $1, {run_id}, $4, {values} {rare}, $3, i {some}",
            PROJECT,
            RUNS,
            number,
            key,
        )
    for key, every, value in (("m", 1, f"i / {RUNS}.0"), ("few", 500, "1 - i % 3")):
        await pool.execute(
            "WITH series AS ("
            " INSERT INTO metric_series (project_id, run_id, key)"
            f" SELECT $1, {run_id}, $4 {some} WHERE i % {every} = 0 RETURNING run_id, series_id"
            "), added AS ("
            " INSERT INTO newest_metrics (experiment_number, key, value, start_time, run_id)"
            f" SELECT $3, $4, {value}, i, {run_id} {some} WHERE i % {every} = 0 AND i % 2000 > 0"
            ') INSERT INTO metric_points (project_id, series_id, step, "timestamp", value)'
            f" SELECT $1, series_id, 0, 0, {value} {some} JOIN series ON run_id = {run_id}",
            PROJECT,
            RUNS,
            number,
            key,
        )
    await pool.execute("VACUUM (ANALYZE)")
    return pool


async def _pages(pool: Pool, filter_: str, order_by: Sequence[str]) -> int:
    async with pool.acquire() as connection:
        explaining: Any = Explaining(connection)
        query = SearchRuns(
            experiment_ids=["1"], filter=filter_, order_by=list(order_by), max_results=50
        )
        await search_run_ids(explaining, PROJECT, query, Budget())
        return sum(map(pages_read, explaining.plans))


async def test_no_search_of_runs_reads_many_pages(thousands: Pool) -> None:
    searches = [
        (each, order)
        for index, each in enumerate(FILTERS)
        for order in ((), (ORDERS[index % len(ORDERS)],))
    ]
    found = [(await _pages(thousands, *each), each) for each in searches]
    found.sort(reverse=True)
    assert found[0][0] < MOST_PAGES, found[:40]


UNBOUNDED: Mapping[tuple[str, tuple[str, ...]], str] = {
    ("artifact_uri LIKE '%nope'", ()): "no index has the URI",
    ("run_id LIKE '%nope'", ()): "no index has the id as text",
    ("dataset.context = 'none'", ()): "no index has the context of a dataset",
}


@pytest.mark.parametrize("search", UNBOUNDED)
async def test_searches_that_no_index_helps_compare_each_run_once(
    thousands: Pool, search: tuple[str, tuple[str, ...]]
) -> None:
    assert MOST_PAGES < await _pages(thousands, *search) < RUNS * 10, UNBOUNDED[search]
