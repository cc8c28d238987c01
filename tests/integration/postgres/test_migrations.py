"""Migrations on a real server: together, again, newer than the code, and without rights."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from shared.postgres.migrate import (
    Migration,
    NewerSchemaError,
    load_migrations,
    migrate,
    service_migrations,
)

TRACKING = service_migrations("tracking")


@pytest.fixture
async def connection(database_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_dsn)
    yield connection
    await connection.close()


async def test_processes_that_start_together_migrate_once(database_dsn: str) -> None:
    counts = await asyncio.gather(*(migrate(database_dsn, "tracking", TRACKING) for _ in range(4)))
    assert sorted(counts) == [0, 0, 0, len(TRACKING)]


async def test_a_newer_schema_is_refused(database_dsn: str) -> None:
    newer = replace(TRACKING[-1], version=99, sql="SELECT 1")
    await migrate(database_dsn, "tracking", [*TRACKING, newer])
    with pytest.raises(NewerSchemaError, match="99"):
        await migrate(database_dsn, "tracking", TRACKING)


async def test_a_failed_migration_leaves_nothing_behind(
    database_dsn: str, connection: asyncpg.Connection
) -> None:
    half = Migration("tracking", 1, "half", "CREATE TABLE half (id int); SELECT nothing;")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate(database_dsn, "tracking", [half])
    assert await connection.fetchval("SELECT to_regclass('tracking.half')") is None
    assert await migrate(database_dsn, "tracking", TRACKING) == len(TRACKING)


async def test_a_role_that_owns_its_schema_alone_can_migrate(
    database_dsn: str, connection: asyncpg.Connection
) -> None:
    role = f"role_{database_dsn.rsplit('_', 1)[-1]}"
    await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    await connection.execute(f"CREATE SCHEMA tracking AUTHORIZATION {role}")
    try:
        address = database_dsn.split("@", 1)[1]
        dsn = f"postgresql://{role}:secret@{address}"
        assert await migrate(dsn, "tracking", TRACKING) == len(TRACKING)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await migrate(dsn, "another", TRACKING)
    finally:
        await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_numbers_must_follow_each_other() -> None:
    versions = [m.version for m in load_migrations("tracking", "services.tracking")]
    assert versions == list(range(1, len(versions) + 1))
    assert {m.component for m in TRACKING} == {"shared", "tracking"}
