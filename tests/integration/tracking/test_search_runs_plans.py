"""Searches of runs on a real Postgres: which tables and indexes they read."""

from services.tracking.store.search_runs import search_run_ids
from shared.contracts.runs import SearchRuns
from shared.postgres.connection import AnyConnection
from tests.explaining import Explaining, pages_read
from tests.integration.tracking.conftest import PROJECT
from tests.integration.tracking.stored_runs import Run, store
from tests.service_pools import service_pool


async def test_a_page_of_newest_runs_is_read_from_the_index_in_order(
    connection: AnyConnection,
) -> None:
    """No sort of the whole experiment for the one page that user interfaces show first."""
    await connection.execute(
        "INSERT INTO runs SELECT 7, gen_random_uuid(), 1, '', '', '', i, NULL, false, NULL, ''"
        " FROM generate_series(1, 20000) i; ANALYZE runs"
    )
    explaining = Explaining(connection)
    query = SearchRuns(experiment_ids=["1"], max_results=100)
    page = await search_run_ids(explaining, PROJECT, query)
    query.page_token = page.next_page_token
    await search_run_ids(explaining, PROJECT, query)
    for plan in explaining.plans:
        assert "runs_newest_idx" in plan
        assert "Sort" not in plan


async def test_runs_are_found_by_their_keys_in_tables_that_seem_small(database_dsn: str) -> None:
    """Joins would be made of the conditions, and each read a table anew for every run."""
    query = SearchRuns(
        experiment_ids=["1"],
        filter="metrics.loss < 200 AND params.depth = '3' AND params.width IS NULL",
        order_by=["metrics.loss DESC"],
    )
    # Of new tables PostgreSQL knows no more than their size; those of other tests may be analyzed.
    async with service_pool(database_dsn, "tracking") as pool, pool.acquire() as connection:
        await store(
            connection,
            (Run(n, metrics={"loss": n}, params={"depth": str(n % 5)}) for n in range(1, 301)),
        )
        explaining = Explaining(connection)
        page = await search_run_ids(explaining, PROJECT, query)
    assert [run_id.int for run_id in page.items] == list(range(198, 0, -5))
    (plan,) = explaining.plans
    assert pages_read(plan) < 300 * 20, plan


async def test_a_value_is_looked_up_once_for_all_clauses(connection: AnyConnection) -> None:
    await store(connection, [Run(2 * each, metrics={"m": 1.0}) for each in range(1, 101)])
    found = {}
    for clauses in (1, 200):
        explaining = Explaining(connection)
        filter_ = " AND ".join(f"metrics.m > -{each}" for each in range(1, clauses + 1))
        await search_run_ids(explaining, PROJECT, SearchRuns(experiment_ids=["1"], filter=filter_))
        found[clauses] = sum(map(pages_read, explaining.plans))
    assert found[200] < found[1] * 1.1
