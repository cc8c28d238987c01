"""What `python -m deploy.stack` reads from its command line and its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class StackSettings(BaseSettings):
    """Run RabbitMQ, PostgreSQL and each service of Warren as processes of this machine.

    Every option is also an environment variable, WARREN_<NAME>.
    """

    model_config = SettingsConfigDict(env_prefix="WARREN_", extra="ignore", cli_kebab_case=True)

    gateway: int = Field(default=1, ge=1, description="Number of gateway processes")
    tracking: int = Field(default=1, ge=1, description="Number of tracking processes")
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=5000, ge=1, le=65535, description="TCP port, shared by all gateways")
    data: Path = Field(default=Path(".warren"), description="Directory of everything that is kept")
    amqp_url: str = Field(default="", description="A RabbitMQ to use instead of a private node")
    tracking_dsn: str = Field(
        default="", description="A PostgreSQL to use instead of the embedded one"
    )
    log_level: str = Field(default="info", description="debug, info, warning or error")
