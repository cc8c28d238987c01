"""No search of traces that an index can serve reads many pages, however rare what it looks for is.

The plans are those that PostgreSQL makes without the values, since it sees them once. Most traces are alike: what it
guesses of a value is wrong for the rare ones.
"""

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from services.traces.store.search_traces import Searched, search_trace_ids
from shared.mlflow.search.bounded import Budget
from tests.explaining import ExplainingPrepared, pages_read
from tests.integration.traces.conftest import MILLISECONDS, PROJECT
from tests.service_pools import service_pool

TRACES = 10_000
BUDGET = Budget(driven=300, walked=300, shared=2_000, further=4)
"""Smaller bounds than those of the service, as there are fewer traces."""

MOST_PAGES = 5_000
"""A search that looks at all traces, labels and spans reads more than 40,000."""

FILL = f"""
INSERT INTO traces (
    project_id, trace_id, experiment_id, request_time, execution_duration, state, request_preview, week
)
SELECT {PROJECT}, 'tr-' || md5(g::text), 1, {MILLISECONDS} + g * 1000,
    CASE WHEN g % 50 > 0 THEN g * 7919 % 1000 END, CASE WHEN g % 900 = 0 THEN 'ERROR' ELSE 'OK' END,
    repeat('x', 300), date_trunc('week', now() AT TIME ZONE 'UTC')::date
FROM generate_series(1, {TRACES}) AS g;

INSERT INTO trace_labels (project_id, trace_id, kind, key, value, experiment_id)
SELECT {PROJECT}, 'tr-' || md5(g::text), 'tag', 'mlflow.traceName', 'agent ' || g % 5, 1
FROM generate_series(1, {TRACES}) AS g;

INSERT INTO spans (
    project_id, week, trace_id, span_id, start_time, end_time, name, type, status, model_name, model_provider, size,
    content, experiment_id
)
SELECT {PROJECT}, date_trunc('week', now() AT TIME ZONE 'UTC')::date, 'tr-' || md5(g::text), s::text,
    ({MILLISECONDS} + g * 1000) * 1000000, ({MILLISECONDS} + g * 1000 + 500) * 1000000,
    CASE s WHEN 1 THEN 'chat' ELSE 'tool ' || g % 40 END, CASE s WHEN 1 THEN 'LLM' ELSE 'TOOL' END,
    CASE WHEN g % 700 = 0 THEN 'ERROR' ELSE 'OK' END, '', '', 100, repeat('{{}}', 50), 1
FROM generate_series(1, {TRACES}) AS g, generate_series(1, 2) AS s;
"""

ORDERS = [
    "timestamp", "timestamp DESC", "execution_time", "execution_time DESC", "end_time", "end_time DESC", "status",
]  # fmt: skip
FILTERS = [
    "status = 'ERROR'",
    "status = 'IN_PROGRESS'",
    "status IN ('ERROR', 'IN_PROGRESS')",
    "status != 'OK'",
    f"timestamp < {MILLISECONDS + 3000}",
    f"timestamp > {MILLISECONDS + 1000 * TRACES - 3000} AND status = 'ERROR'",
    "execution_time > 998",
    "execution_time > 10000",
    "execution_time = 77",
    "execution_time > 10000 AND status = 'OK'",
    f"end_time > {MILLISECONDS + 1000 * TRACES}",
    "request_id = 'x'",
    "client_request_id = 'x'",
    "name = 'agent 3'",
    "name = 'none'",
    "tags.none IS NOT NULL",
    "span.name = 'chat'",
    "span.name = 'tool 3'",
    "span.name = 'none'",
    "span.name LIKE 'x%'",
    "span.name ILIKE 'TOOL 3'",
    "span.name ILIKE '%none%'",
    "span.type = 'LLM'",
    "span.type ILIKE 'tool'",
    "span.type = 'none'",
    "span.type != 'LLM'",
    "span.status = 'ERROR'",
    "span.status = 'UNSET'",
    "span.status != 'OK'",
    "span.type = 'LLM' AND span.name LIKE 'tool%'",
    "span.type = 'TOOL' AND span.status = 'ERROR'",
    "span.name = 'tool 3' AND span.status = 'UNSET'",
    "span.status = 'ERROR' AND status = 'ERROR'",
]


@pytest.fixture(scope="module")
async def thousands(postgres: EmbeddedPostgres):
    """Many traces, in a database of their own."""
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute("CREATE DATABASE plans_of_traces")
    await admin.close()
    async with service_pool(postgres.dsn("plans_of_traces"), "traces") as pool:
        await pool.execute(FILL)
        await pool.execute("VACUUM ANALYZE traces")
        await pool.execute("VACUUM ANALYZE trace_labels")
        await pool.execute("VACUUM ANALYZE spans")
        yield pool


async def pages_of(pool, text, orders):
    async with pool.acquire() as connection:
        explaining = ExplainingPrepared(connection)
        searched = Searched([1], text, orders, 20, None)
        await search_trace_ids(explaining, PROJECT, searched, BUDGET)
    return sum(map(pages_read, explaining.plans))


async def test_no_search_reads_many_pages(thousands):
    searches = [(text, []) for text in FILTERS]
    searches += [("", [order]) for order in ORDERS]
    searches += [(text, [order]) for order in ORDERS for text in FILTERS[::4]]
    found = [(await pages_of(thousands, *each), each) for each in searches]
    found.sort(key=lambda each: -each[0])
    assert found[0][0] < MOST_PAGES, found[:20]


async def test_the_first_page_of_an_order_is_read_from_its_index(thousands):
    found = [(await pages_of(thousands, "", [order]), order) for order in ORDERS]
    assert max(found)[0] < 200, found
