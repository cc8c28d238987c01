"""The database of a private server: each service has a role, which owns one schema of its name."""

from collections.abc import Iterable, Mapping

from deploy.local.embedded.postgres import EmbeddedPostgres
from shared.postgres.explaining import postgres_explained
from shared.postgres.provision import SchemaOwner, provision

DATABASE = "warren"


async def provision_services(
    postgres: EmbeddedPostgres, services: Iterable[str]
) -> Mapping[str, str]:
    """Make what is missing and return each service's connection string; repeating is harmless."""
    services = tuple(services)
    owners = [SchemaOwner(name, name, postgres.password_of(name)) for name in services]
    with postgres_explained(f"it is the embedded one, whose log is {postgres.log}"):
        await provision(postgres.dsn("postgres"), DATABASE, owners)
    return {name: postgres.dsn(DATABASE, name) for name in services}
