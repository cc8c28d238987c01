"""Settings of a backup and a restore: the same variables as the services'."""

from pydantic import Field

from services.artifacts.settings import S3Settings
from shared.runtime.settings import PostgresServiceSettings, ProcessSettings

SERVICES = ("registry", "traces", "tracking", "access")
"""Services with a schema, in the order of their snapshots. A later snapshot has the rows that earlier ones refer
to."""


class BackupSettings(ProcessSettings):
    """The schemas and the bucket. The schemas of access and traces may be left out if those services do not run."""

    registry: PostgresServiceSettings = Field(description="The registry's database")
    traces: PostgresServiceSettings | None = Field(
        default=None, description="The traces service's database, if it runs"
    )
    tracking: PostgresServiceSettings = Field(description="The tracking service's database")
    access: PostgresServiceSettings | None = Field(
        default=None, description="The access service's database, if it runs"
    )
    s3: S3Settings = Field(description="The storage of artifacts")

    def dsns(self) -> dict[str, str]:
        """Return the services' DSNs, in the order of SERVICES."""
        given: dict[str, PostgresServiceSettings | None] = {
            service: getattr(self, service) for service in SERVICES
        }
        return {service: own.dsn for service, own in given.items() if own}
