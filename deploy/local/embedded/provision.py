"""The database of a private PostgreSQL: each service has a role that owns a schema of the same name."""

from collections.abc import Iterable, Mapping

from deploy.local.embedded.postgres import EmbeddedPostgres
from shared.postgres.explaining import explain_postgres_errors
from shared.postgres.provision import SchemaOwner, provision

DATABASE = "warren"


async def provision_services(
    postgres: EmbeddedPostgres, services: Iterable[str]
) -> Mapping[str, str]:
    """Create missing roles and schemas, and return each service's DSN. Repeating this is harmless."""
    services = tuple(services)
    owners = [SchemaOwner(name, name, postgres.password_of(name)) for name in services]
    with explain_postgres_errors(f"it is the embedded one, whose log is {postgres.log}"):
        await provision(postgres.dsn("postgres"), DATABASE, owners)
    return {name: postgres.dsn(DATABASE, name) for name in services}
