"""Writes a schema to files and back, with PostgreSQL's COPY.

pg_dump is not used: it must be as new as the server, and it ignores Warren's migrations. A restore creates the
schema at the backup's version, fills it and then migrates it, as an upgrade does.
"""

from pathlib import Path

import asyncpg

from cli.backup.manifest import Schema, Table
from shared.contracts.errors import invalid
from shared.postgres.connection import AnyConnection
from shared.postgres.migrate import migrate, service_migrations

COLUMNS = """
    WITH RECURSIVE
    tables AS (
        SELECT oid, relname FROM pg_class
        WHERE relnamespace = to_regnamespace(quote_ident($1))
            AND relkind IN ('r', 'p') AND NOT relispartition
    ),
    levels AS (
        SELECT oid, 0 AS level FROM tables
        UNION
        SELECT conrelid, level + 1
        FROM levels JOIN pg_constraint ON confrelid = levels.oid AND conrelid <> confrelid
        WHERE contype = 'f' AND level < 100
    ),
    fillable AS (
        SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
        FROM information_schema.columns
        WHERE table_schema = $1 AND is_generated = 'NEVER'
        GROUP BY table_name
    )
    SELECT relname AS table_name, columns
    FROM tables JOIN fillable ON table_name = relname JOIN levels USING (oid)
    GROUP BY relname, columns ORDER BY max(level), relname
"""
"""Tables and the columns that COPY can fill. A table comes after the tables that it refers to. A partitioned table is
one table: a database that is restored later has other partitions."""

_COUNTERS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = $1 AND is_identity = 'YES'
"""
_MIGRATIONS = "migrations"


async def dump(dsn: str, schema: str, directory: Path) -> Schema:
    """Write every table of a schema, from one snapshot. Raises DomainError if there is no schema."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = await connection.fetch(COLUMNS, schema)
            if not found:
                raise invalid(f"There is no schema {schema} in the {schema} service's database.")
            applied = await connection.fetch(
                "SELECT component, version FROM migrations ORDER BY 1, 2"
            )
            directory.mkdir()
            tables = [
                await _dump_table(connection, schema, row["table_name"], row["columns"], directory)
                for row in found
                if row["table_name"] != _MIGRATIONS
            ]
            return Schema(migrations=[tuple(row) for row in applied], tables=tables)
    finally:
        await connection.close()


async def _dump_table(
    connection: AnyConnection, schema: str, name: str, columns: list[str], directory: Path
) -> Table:
    with _file(directory, name).open("wb") as file:
        # From a query: COPY does not read a partitioned table.
        names = ", ".join(f'"{column}"' for column in columns)
        rows = f'SELECT {names} FROM "{schema}"."{name}"'  # noqa: S608
        status = await connection.copy_from_query(rows, output=file)
    return Table(name=name, columns=columns, rows=int(status.split()[-1]))


async def check(dsn: str, schema: str, dumped: Schema) -> None:
    """Raise DomainError if the schema has a table, or if the backup is from a newer release."""
    known = {(each.component, each.version) for each in service_migrations(schema)}
    if unknown := sorted(set(dumped.migrations) - known):
        raise invalid(f"The backup is of a newer release: {schema} has migrations {unknown}.")
    connection = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        if await connection.fetch(COLUMNS, schema):
            message = (
                f"The schema {schema} has tables. A backup is restored into empty databases alone."
            )
            raise invalid(message)
    finally:
        await connection.close()


async def load(dsn: str, schema: str, dumped: Schema, directory: Path) -> None:
    """Create the schema at the backup's version, fill it in one transaction, and migrate it."""
    newest = service_migrations(schema)
    wanted = set(dumped.migrations)
    await migrate(dsn, schema, [m for m in newest if (m.component, m.version) in wanted])
    connection = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        async with connection.transaction():
            # Some migrations insert rows. The backup has these rows, perhaps changed since.
            names = ", ".join(f'"{table.name}"' for table in dumped.tables)
            await connection.execute(f"TRUNCATE {names}")
            for table in dumped.tables:
                await _load_table(connection, schema, table, directory)
            # COPY does not advance identity counters. HAVING leaves the counter of an empty table alone.
            for table_name, column in await connection.fetch(_COUNTERS, schema):
                await connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table_name}', '{column}'), "  # noqa: S608
                    f'max("{column}")) FROM "{table_name}" HAVING max("{column}") IS NOT NULL'
                )
    finally:
        await connection.close()
    await migrate(dsn, schema, newest)


async def _load_table(
    connection: AnyConnection, schema: str, table: Table, directory: Path
) -> None:
    status = await connection.copy_to_table(
        table.name,
        schema_name=schema,
        columns=table.columns,
        source=_file(directory, table.name),
    )
    if int(status.split()[-1]) != table.rows:
        raise invalid(
            f"{_file(directory, table.name)} does not have the rows that the manifest names."
        )


def _file(directory: Path, table: str) -> Path:
    return directory / f"{table}.copy"
