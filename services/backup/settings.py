"""What a backup reads and a restore writes: the same variables as the services themselves."""

from pydantic import Field

from services.artifacts.settings import S3Settings
from shared.settings import PostgresServiceSettings, ProcessSettings

SERVICES = ("registry", "tracking")
"""Those with a schema, in the order of their snapshots: what one refers to another one's later has."""


class BackupSettings(ProcessSettings):
    """Every schema and the bucket; a backup of less would not be one."""

    registry: PostgresServiceSettings = Field(description="The registry's database")
    tracking: PostgresServiceSettings = Field(description="The tracking service's database")
    s3: S3Settings = Field(description="The storage of artifacts")

    def dsn(self, service: str) -> str:
        """Return where a service's schema is."""
        own: PostgresServiceSettings = getattr(self, service)
        return own.dsn
