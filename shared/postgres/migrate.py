"""Applies numbered SQL migrations, each once and each in a transaction.

A component is a directory of files ``0001_what_it_does.sql``. A service's schema consists of two
components: ``shared`` (the inbox and the outbox, next to this module) and the service's own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import asyncpg

from shared.postgres.connection import AnyConnection
from shared.postgres.pool import ConnectionOptions
from shared.postgres.pooler import refuse_pooler
from shared.runtime.starting import StartError

LOCK_TIMEOUT = "10s"
"""A migration fails if it waits longer for a lock. All other traffic on the table queues behind it meanwhile."""

_FILE = re.compile(r"^(\d{4})_(\w+)\.sql$")
_APPLIED_TABLE = """
    CREATE TABLE IF NOT EXISTS migrations (
        component text NOT NULL,
        version integer NOT NULL,
        name text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT migrations_pkey PRIMARY KEY (component, version)
    )
"""


class NewerSchemaError(StartError):
    """A newer release has migrated the database. This release must not start on it."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file."""

    component: str
    version: int
    name: str
    sql: str


def load_migrations(component: str, package: str) -> list[Migration]:
    """Return a component's migrations in order. Raises ValueError on a gap in their numbers."""
    found = []
    for entry in files(package).joinpath("migrations").iterdir():
        if match := _FILE.match(entry.name):
            version, name = int(match[1]), match[2]
            found.append(Migration(component, version, name, entry.read_text("utf-8")))
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        message = f"Migrations of {component} are not numbered 1, 2, 3…"
        raise ValueError(message)
    return found


def service_migrations(service: str) -> list[Migration]:
    """Return the migrations of a service's schema, the shared ones first."""
    return [
        *load_migrations("shared", "shared.postgres"),
        *load_migrations(service, f"services.{service}"),
    ]


async def migrate(dsn: str, schema: str, migrations: Sequence[Migration]) -> int:
    """Apply the pending migrations of a schema, and return their number.

    Many processes may start at once. An advisory lock lets one of them work while the others wait, and
    then find nothing to do. Raises NewerSchemaError, PoolerError.
    """
    await refuse_pooler(dsn, ConnectionOptions(schema, "warren-migrate"))
    connection = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext($1))", schema)
        await _ensure_schema(connection, schema)
        await connection.execute(_APPLIED_TABLE)
        applied = await _applied(connection)
        _refuse_newer(schema, applied, migrations)
        pending = [m for m in migrations if (m.component, m.version) not in applied]
        for migration in pending:
            await _apply(connection, migration)
        return len(pending)
    finally:
        # The advisory lock belongs to the session and ends with it.
        await connection.close()


async def _ensure_schema(connection: AnyConnection, schema: str) -> None:
    """Create the schema if it is missing."""
    # Look first: CREATE SCHEMA needs a permission on the database that a service's role lacks, and
    # IF NOT EXISTS checks the permission before it checks whether the schema exists.
    if await connection.fetchval("SELECT to_regnamespace(quote_ident($1))", schema):
        return
    quoted = await connection.fetchval("SELECT quote_ident($1)", schema)
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")


async def _applied(connection: AnyConnection) -> set[tuple[str, int]]:
    rows = await connection.fetch("SELECT component, version FROM migrations")
    return {(row["component"], row["version"]) for row in rows}


def _refuse_newer(
    schema: str, applied: set[tuple[str, int]], migrations: Sequence[Migration]
) -> None:
    known: set[tuple[Any, ...]] = {(m.component, m.version) for m in migrations}
    if newer := sorted(applied - known):
        message = (
            f"schema {schema} was migrated by a newer release of Warren, whose migrations {newer} this "
            "one does not know; start that release, or restore an older backup"
        )
        raise NewerSchemaError(message)


async def _apply(connection: AnyConnection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO migrations (component, version, name) VALUES ($1, $2, $3)",
            migration.component,
            migration.version,
            migration.name,
        )
