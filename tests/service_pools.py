"""The pools of tracking, registry and traces, for tests of their handlers; conftest.py imports the fixtures.

A database a test, migrated anew, took longer than the test itself: they all use one, and find it empty.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.pool import open_pool

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

EMPTY = """
DO $$ DECLARE
    of_table text;
BEGIN
    -- Foreign keys are not looked at: both of their ends go. TRUNCATE would make a hundred files anew.
    SET LOCAL session_replication_role = replica;
    FOR of_table IN
        SELECT tablename FROM pg_tables
        WHERE schemaname = current_schema() AND tablename <> 'migrations'
    LOOP
        EXECUTE format('DELETE FROM %I', of_table);
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = current_schema();
END $$
"""


@asynccontextmanager
async def service_pool(dsn: str, service: str) -> AsyncIterator[Pool]:
    """Give the pool of a service on its schema, brought up to date."""
    await migrate(dsn, service, service_migrations(service))
    pool = await open_pool(dsn, schema=service, size=8, application_name="test")
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
async def service_pools(postgres: EmbeddedPostgres) -> AsyncIterator[Mapping[str, Pool]]:
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute("CREATE DATABASE services")
    await admin.close()
    async with AsyncExitStack() as stack:
        yield {
            service: await stack.enter_async_context(
                service_pool(postgres.dsn("services"), service)
            )
            for service in ("tracking", "registry", "traces")
        }


@pytest.fixture
async def tracking_pool(service_pools: Mapping[str, Pool]) -> Pool:
    """The tracking service's pool, on empty tables."""
    return await _emptied(service_pools["tracking"])


@pytest.fixture
async def registry_pool(service_pools: Mapping[str, Pool]) -> Pool:
    """The registry's pool, on empty tables of the same database."""
    return await _emptied(service_pools["registry"])


@pytest.fixture
async def traces_pool(service_pools: Mapping[str, Pool]) -> Pool:
    """The traces service's pool, on empty tables of the same database."""
    return await _emptied(service_pools["traces"])


async def _emptied(pool: Pool) -> Pool:
    await pool.execute(EMPTY)
    return pool
