"""The settings that `make run` and `make stack` share."""

from pathlib import Path

from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings

from services.access.settings import RootToken
from services.artifacts.settings import S3Settings
from services.gateway.auth.mode import Mode
from shared.runtime.settings import CONFIG, LogLevel, TracingSettings


class LocalSettings(BaseSettings):
    """Settings of all of Warren on one machine."""

    model_config = CONFIG

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=5000, ge=0, le=65535, description="TCP port; 0 takes a free one")
    data: Path = Field(default=Path(".warren"), description="Directory of everything that is kept")
    access_mode: Mode | None = Field(
        default=None,
        description="open: anonymous clients use the root project as Developers; token: all "
        "clients need a token; unset: open if it listens on loopback, otherwise token",
    )
    root_token: RootToken = Field(
        default="",
        repr=False,
        description="A token of the first administrator; empty: the first start makes one, and prints it or "
        "the name of the log that has it",
    )
    s3: S3Settings | None = Field(
        default=None, description="An S3 server to use instead of the embedded one"
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
