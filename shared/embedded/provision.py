"""The database of a private server: each service has a role, which owns one schema of its name."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import asyncpg

from shared.embedded.postgres import EmbeddedPostgres

DATABASE = "warren"


async def provision(postgres: EmbeddedPostgres, services: Iterable[str]) -> Mapping[str, str]:
    """Make what is missing and return each service's connection string; repeating is harmless."""
    services = tuple(services)
    async with _connection(postgres.dsn("postgres")) as server:
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await server.execute(f"CREATE DATABASE {DATABASE}")
    async with _connection(postgres.dsn(DATABASE)) as database:
        await database.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
        for service in services:
            await _ensure_role(database, service, postgres.password_of(service))
    return {service: postgres.dsn(DATABASE, service) for service in services}


async def _ensure_role(database: asyncpg.Connection, role: str, password: str) -> None:
    """Give a role its password, its right to connect and its schema.

    CREATE on the database is what `CREATE SCHEMA IF NOT EXISTS` in a migration asks for, even
    where the schema is there; it opens nobody else's schema. The names are ours, the password is
    hexadecimal, so that neither needs quoting.
    """
    if not await database.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await database.execute(f"CREATE ROLE {role} LOGIN")
    await database.execute(
        f"ALTER ROLE {role} PASSWORD '{password}';"
        f"GRANT CONNECT, CREATE ON DATABASE {DATABASE} TO {role};"
        f"CREATE SCHEMA IF NOT EXISTS {role} AUTHORIZATION {role}"
    )


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
