"""Settings of `python -m deploy.local.stack`, from its command line and its environment."""

from pathlib import Path

from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.access.settings import RootToken
from services.artifacts.settings import S3Settings
from services.gateway.auth.mode import Mode
from shared.runtime.addresses import AmqpUrl, PostgresDsn
from shared.runtime.settings import PREFIX, LogLevel, TracingSettings


class StackSettings(BaseSettings):
    """Run RabbitMQ, PostgreSQL and each service of Warren as processes of this machine.

    Every option is also an environment variable, WARREN_<NAME>. Other variables of the services, such as the
    gateway's limits, are passed on to their processes.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",
        cli_kebab_case=True,
    )

    gateway: int = Field(default=1, ge=1, description="Number of gateway processes")
    tracking: int = Field(default=1, ge=1, description="Number of tracking processes")
    registry: int = Field(default=1, ge=1, description="Number of registry processes")
    artifacts: int = Field(default=1, ge=1, description="Number of artifacts processes")
    access: int = Field(default=1, ge=1, description="Number of access processes")
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=5000, ge=1, le=65535, description="TCP port, shared by all gateways")
    data: Path = Field(default=Path(".warren"), description="Directory of everything that is kept")
    amqp_url: AmqpUrl = Field(
        default="", repr=False, description="A RabbitMQ to use instead of a private node"
    )
    tracking_dsn: PostgresDsn = Field(
        default="", repr=False, description="Tracking's PostgreSQL instead of the embedded one"
    )
    registry_dsn: PostgresDsn = Field(
        default="", repr=False, description="Registry's PostgreSQL instead of the embedded one"
    )
    access_dsn: PostgresDsn = Field(
        default="", repr=False, description="Access's PostgreSQL instead of the embedded one"
    )
    access_mode: Mode | None = Field(
        default=None,
        description="open: anonymous clients use the root project as Developers; token: all "
        "clients need a token; unset: open where it listens on loopback, else token",
    )
    root_token: RootToken = Field(
        default="", repr=False, description="A token of the first administrator; else one is made"
    )
    s3: S3Settings | None = Field(
        default=None, description="An S3 server instead of the embedded one"
    )
    max_artifact_bytes: PositiveInt = Field(
        default=5 * 1024**3, description="Largest artifact that a client may upload"
    )
    direct_artifacts: bool = Field(
        default=False,
        description="Let clients move large artifacts to and from the S3 server by themselves",
    )
    log_level: LogLevel = Field(default="info", description="Least severe level that is logged")
    tracing: TracingSettings = Field(
        default=TracingSettings(), description="Traces of all services"
    )

    def count(self, service: str) -> int:
        """Return the number of processes of a service."""
        number: int = getattr(self, service)
        return number

    def given_dsn(self, service: str) -> str:
        """Return the DSN that was given for a service, or an empty string."""
        dsn: str = getattr(self, f"{service}_dsn")
        return dsn
