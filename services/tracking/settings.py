"""What the tracking service reads from its environment."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TrackingSettings(BaseSettings):
    """Variables of the tracking service; each name is prefixed with ``WARREN_``."""

    model_config = SettingsConfigDict(env_prefix="WARREN_", extra="ignore")

    tracking_dsn: str = Field(
        description="PostgreSQL, as postgresql://user:password@host:port/database"
    )
    amqp_url: str = Field(
        default="", description="RabbitMQ, as amqp://user:password@host:port/vhost"
    )
    tracking_schema: str = Field(
        default="tracking", description="Schema that the service's role owns"
    )
    tracking_pool_size: int = Field(
        default=8, ge=2, description="Connections to PostgreSQL that a process may open"
    )
    tracking_command_frames: int = Field(
        default=2, ge=1, description="Command frames that a process works on at a time"
    )
    tracking_query_frames: int = Field(
        default=8, ge=1, description="Query frames that a process works on at a time"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged"
    )
