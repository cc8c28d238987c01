"""``python -m services.provision``: what runs once before the services, in containers and on Kubernetes.

A service migrates its own schema when it starts, too. Doing it here first lets a release that can't
migrate fail before any process of the running one is replaced.
"""

import asyncio
import sys
from collections import defaultdict

import asyncpg
import structlog

from services.provision.settings import ProvisionSettings, schema_owner
from shared.database.migrations import NewerSchemaError, migrate, service_migrations
from shared.database.provision import SchemaOwner, provision
from shared.settings import read_settings
from shared.telemetry import configure_logging

PAUSE_SECONDS = 1.0
NOTHING_TO_DO = "No service's DSN was given; WARREN_TRACKING_DSN is one."
NOT_YET = (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)
"""What a server says that is on its way, or busy."""

log = structlog.get_logger(__name__)


async def prepare(settings: ProvisionSettings) -> None:
    """Do all of it, as often as needed until the server is there. Raises TimeoutError, ValueError."""
    if not settings.dsns:
        raise ValueError(NOTHING_TO_DO)
    databases: dict[str, list[SchemaOwner]] = defaultdict(list)
    for service, dsn in settings.dsns.items():
        database, owner = schema_owner(service, dsn)
        databases[database].append(owner)
    async with asyncio.timeout(settings.provision_timeout):
        while True:
            try:
                return await _prepare(settings, databases)
            except NOT_YET as error:
                log.info("postgres_not_ready", error=str(error))
                await asyncio.sleep(PAUSE_SECONDS)


async def _prepare(settings: ProvisionSettings, databases: dict[str, list[SchemaOwner]]) -> None:
    if settings.admin_dsn:
        for database, owners in databases.items():
            await provision(settings.admin_dsn, database, owners)
            log.info("provisioned", database=database, roles=[owner.role for owner in owners])
    for service, dsn in settings.dsns.items():
        count = await migrate(dsn, service, service_migrations(service))
        log.info("migrated", schema=service, migrations=count)


def main() -> None:
    """Read the settings and run; leave with a sentence where something is wrong."""
    settings = read_settings(ProvisionSettings)
    configure_logging("provision", settings.log_level)
    try:
        asyncio.run(prepare(settings))
    except TimeoutError:
        sys.exit(f"PostgreSQL did not answer within {settings.provision_timeout:.0f} s.")
    except (ValueError, NewerSchemaError, asyncpg.PostgresError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
