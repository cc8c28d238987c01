"""Creates the database, the roles and the schemas that services need before they can migrate.

Each service has a role, which owns one schema and has no permission on the others. Provisioning takes an
administrator's connection; a service never has one.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from shared.postgres.connection import AnyConnection

LOCK = "warren.provision"


@dataclass(frozen=True, slots=True)
class SchemaOwner:
    """The role and the schema of one service."""

    schema: str
    role: str
    password: str = field(repr=False)


async def provision(admin_dsn: str, database: str, owners: Sequence[SchemaOwner]) -> None:
    """Create what does not exist, and set each role's password. A repetition is harmless.

    The administrator must be a superuser, or may create roles and databases (CREATEROLE, CREATEDB), as
    on managed servers. Raises OSError and asyncpg's errors.
    """
    async with _connection(admin_dsn) as server:
        # Two runs at once would fail on each other's new roles. The lock ends with the session.
        await server.execute("SELECT pg_advisory_lock(hashtext($1))", LOCK)
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await _execute(server, "CREATE DATABASE %I", database)
        async with _connection(admin_dsn, database) as connection, connection.transaction():
            await _execute(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)
            for owner in owners:
                await _ensure_role(connection, owner)
                await _execute(
                    connection, "GRANT CONNECT ON DATABASE %I TO %I", database, owner.role
                )
                await _ensure_schema(connection, owner)


async def _ensure_role(connection: AnyConnection, owner: SchemaOwner) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", owner.role):
        await _execute(connection, "CREATE ROLE %I LOGIN", owner.role)
    await _execute(connection, "ALTER ROLE %I PASSWORD %L", owner.role, owner.password)


async def _ensure_schema(connection: AnyConnection, owner: SchemaOwner) -> None:
    if await connection.fetchval("SELECT to_regnamespace(quote_ident($1))", owner.schema):
        return
    # An administrator that is no superuser must be a member of the role to create a schema for it.
    await _execute(connection, "GRANT %I TO CURRENT_USER", owner.role)
    await _execute(connection, "CREATE SCHEMA %I AUTHORIZATION %I", owner.schema, owner.role)
    await _execute(connection, "REVOKE %I FROM CURRENT_USER", owner.role)


async def _execute(connection: AnyConnection, template: str, *values: str) -> None:
    """Run a statement that allows no parameters. PostgreSQL itself quotes the names (%I) and literals (%L)."""
    places = ", ".join(f"${number}::text" for number in range(2, len(values) + 2))
    await connection.execute(
        await connection.fetchval(f"SELECT format($1, {places})", template, *values)
    )


@asynccontextmanager
async def _connection(dsn: str, database: str | None = None) -> AsyncIterator[AnyConnection]:
    connection = await asyncpg.connect(dsn, database=database)
    try:
        yield connection
    finally:
        await connection.close()
