"""Settings of `python -m deploy.local.stack`, from its command line and its environment."""

from pydantic import Field

from deploy.local.settings import LocalSettings
from shared.runtime.addresses import AmqpUrl, PostgresDsn


class StackSettings(LocalSettings):
    """Run RabbitMQ, PostgreSQL and each service of Warren as processes of this machine.

    Every option is also an environment variable, WARREN_<NAME>. Other variables of the services, such as the
    gateway's limits, are passed on to their processes.
    """

    gateway: int = Field(default=1, ge=1, description="Number of gateway processes")
    tracking: int = Field(default=1, ge=1, description="Number of tracking processes")
    registry: int = Field(default=1, ge=1, description="Number of registry processes")
    traces: int = Field(default=1, ge=1, description="Number of traces processes")
    artifacts: int = Field(default=1, ge=1, description="Number of artifacts processes")
    access: int = Field(default=1, ge=1, description="Number of access processes")
    port: int = Field(default=5000, ge=1, le=65535, description="TCP port, shared by all gateways")
    amqp_url: AmqpUrl = Field(
        default="", repr=False, description="A RabbitMQ to use instead of a private node"
    )
    tracking_dsn: PostgresDsn = Field(
        default="", repr=False, description="Tracking's PostgreSQL instead of the embedded one"
    )
    registry_dsn: PostgresDsn = Field(
        default="", repr=False, description="Registry's PostgreSQL instead of the embedded one"
    )
    traces_dsn: PostgresDsn = Field(
        default="", repr=False, description="Traces' PostgreSQL instead of the embedded one"
    )
    access_dsn: PostgresDsn = Field(
        default="", repr=False, description="Access's PostgreSQL instead of the embedded one"
    )

    def count(self, service: str) -> int:
        """Return the number of processes of a service."""
        number: int = getattr(self, service)
        return number

    def given_dsn(self, service: str) -> str:
        """Return the DSN that was given for a service, or an empty string."""
        dsn: str = getattr(self, f"{service}_dsn")
        return dsn
