"""What a backup reads and a restore writes: the same variables as the services themselves."""

from pydantic import Field

from services.artifacts.settings import S3Settings
from shared.runtime.settings import PostgresServiceSettings, ProcessSettings

SERVICES = ("registry", "tracking", "access")
"""Those with a schema, in the order of their snapshots: what one refers to another one's later has."""


class BackupSettings(ProcessSettings):
    """Every schema and the bucket; access alone may be left out, where nobody uses it."""

    registry: PostgresServiceSettings = Field(description="The registry's database")
    tracking: PostgresServiceSettings = Field(description="The tracking service's database")
    access: PostgresServiceSettings | None = Field(
        default=None, description="The access service's database, if it runs"
    )
    s3: S3Settings = Field(description="The storage of artifacts")

    def dsns(self) -> dict[str, str]:
        """Return where each service's schema is, in the order of SERVICES."""
        given: dict[str, PostgresServiceSettings | None] = {
            service: getattr(self, service) for service in SERVICES
        }
        return {service: own.dsn for service, own in given.items() if own}
