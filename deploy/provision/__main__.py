"""``python -m deploy.provision``: prepares the servers, once before the services start (Compose, Kubernetes).

A service also migrates its own schema when it starts. Migrating here first has an advantage: a release that can't
migrate fails before any running process is replaced.
"""

import asyncio
from collections import defaultdict
from functools import partial

import asyncpg
import structlog

from deploy.provision.rabbitmq import prepare_broker
from deploy.provision.settings import ProvisionSettings, schema_owner
from deploy.provision.storage import prepare_storage
from deploy.provision.waiting import Server, until_ready
from shared.postgres.explaining import explain_postgres_errors
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.provision import SchemaOwner, provision
from shared.runtime.logs import configure_logging
from shared.runtime.settings import read_settings
from shared.runtime.starting import StartError, exit_on_start_error

NOTHING_TO_DO = (
    "There is nothing to prepare: set the DSN of a service, such as WARREN_TRACKING_DSN, or WARREN_AMQP_ADMIN_URL, "
    "or WARREN_S3_ADMIN_ACCESS_KEY."
)
POSTGRES = Server(
    "PostgreSQL",
    "WARREN_ADMIN_DSN and the DSNs of the services are its addresses",
    (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError),
)

log = structlog.get_logger(__name__)


async def prepare(settings: ProvisionSettings) -> None:
    """Prepare each server that was given, with retries until it answers. Raises StartError."""
    if not (settings.dsns or settings.amqp_admin_url or settings.s3_admin_access_key):
        raise StartError(NOTHING_TO_DO)
    if settings.dsns:
        await _prepare_postgres(settings)
    if settings.amqp_admin_url:
        await prepare_broker(settings)
    if settings.s3_admin_access_key:
        await prepare_storage(settings)


async def _prepare_postgres(settings: ProvisionSettings) -> None:
    databases: dict[str, list[SchemaOwner]] = defaultdict(list)
    for service, dsn in settings.dsns.items():
        database, owner = schema_owner(service, dsn)
        databases[database].append(owner)
    with explain_postgres_errors(POSTGRES.settings):
        await until_ready(
            POSTGRES, partial(_prepare, settings, databases), settings.provision_timeout
        )


async def _prepare(settings: ProvisionSettings, databases: dict[str, list[SchemaOwner]]) -> None:
    if settings.admin_dsn:
        for database, owners in databases.items():
            await provision(settings.admin_dsn, database, owners)
            log.info("provisioned", database=database, roles=[owner.role for owner in owners])
    for service, dsn in settings.dsns.items():
        count = await migrate(dsn, service, service_migrations(service))
        log.info("migrated", schema=service, migrations=count)


def main() -> None:
    """Read the settings and provision. An error exits with a message."""
    settings = read_settings(ProvisionSettings)
    configure_logging("provision", settings.log_level)
    with exit_on_start_error("provision"):
        asyncio.run(prepare(settings))


if __name__ == "__main__":
    main()
