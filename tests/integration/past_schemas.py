"""Schemas as past releases left them, with today's rows in them."""

import io
from collections.abc import Iterator

import asyncpg

from cli.backup.database import COLUMNS
from shared.postgres.migrate import migrate, service_migrations

_SHAPES = {
    "metrics": """
        SELECT project_id, run_id, key, "timestamp", step, value, model_id, dataset_name, dataset_digest
        FROM tracking.metric_points JOIN tracking.metric_series USING (project_id, series_id)
    """,
    "latest_metrics": "SELECT * FROM tracking.latest_metrics",
    "metric_series": """
        SELECT project_id, run_id, key, series_id, settled_step, settled_timestamp,
            coalesce(settled_round, 0) AS settled_round
        FROM tracking.metric_series
    """,
}
"""Tables of past schemas that today are others."""


def pasts(*services: str) -> Iterator[tuple[str, int]]:
    """List the past schemas: each but the newest migration of a service's own, and its oldest bus."""
    for service in services:
        own = [each for each in service_migrations(service) if each.component == service]
        for each in own[:-1] or own:
            yield service, each.version


async def upgrade(service: str, version: int, source_dsn: str, target_dsn: str) -> None:
    """Put the rows of one database into the tables of a past schema in another, and migrate that."""
    migrations = service_migrations(service)
    past = [
        each for each in migrations if each.version <= (version if each.component == service else 1)
    ]
    await migrate(target_dsn, service, past)
    await _copy(service, source_dsn, target_dsn)
    assert await migrate(target_dsn, service, migrations) > 0


async def _copy(schema: str, source_dsn: str, target_dsn: str) -> None:
    """Copy what the target has tables and columns for; rows that its migrations made give way."""
    source, target = [await asyncpg.connect(dsn) for dsn in (source_dsn, target_dsn)]
    try:
        # Tables come in any order, so foreign keys are not checked meanwhile.
        await target.execute("SET session_replication_role = replica")
        for name, columns in await target.fetch(COLUMNS, schema):
            if name != "migrations":
                rows = io.BytesIO()
                relation = f"({_SHAPES[name]})" if name in _SHAPES else f'{schema}."{name}"'
                wanted = f"SELECT {', '.join(columns)} FROM {relation} AS t"
                await source.copy_from_query(wanted, output=rows)
                rows.seek(0)
                await target.execute(f'DELETE FROM {schema}."{name}"')
                await target.copy_to_table(name, schema_name=schema, columns=columns, source=rows)
    finally:
        await source.close()
        await target.close()
