"""Settings of `make run`, from its environment."""

from pathlib import Path

from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.access.settings import RootToken
from services.artifacts.settings import S3Settings
from services.gateway.auth.mode import Mode
from services.gateway.http.settings import HttpSettings
from services.gateway.settings import GitLabUrl
from services.gateway.ui.directory import UiDirectory
from shared.runtime.addresses import PostgresDsn
from shared.runtime.settings import PREFIX, LogLevel, MonitorSettings, TracingSettings


class StandaloneSettings(BaseSettings):
    """All of Warren in one process. Every setting is also an environment variable, WARREN_<NAME>."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",
        cli_kebab_case=True,
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=5000, ge=0, le=65535, description="TCP port; 0 takes a free one")
    data: Path = Field(default=Path(".warren"), description="Directory of everything that is kept")
    postgres_dsn: PostgresDsn = Field(
        default="",
        repr=False,
        description="A PostgreSQL database to use instead of the embedded one",
    )
    access_mode: Mode | None = Field(
        default=None,
        description="open: anonymous clients use the root project as Developers; token: all "
        "clients need a token; unset: open where it listens on loopback, else token",
    )
    root_token: RootToken = Field(
        default="",
        repr=False,
        description="A token of the first administrator; empty: the first start makes one and "
        "prints it",
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
    gitlab_url: GitLabUrl = Field(
        default="",
        description="Address of the GitLab whose projects these are: GitLab's REST API links what it "
        "tells of (web_url) to the same path there",
    )
    ui_directory: UiDirectory = Field(
        default=None,
        description="Directory of MLflow's web UI, which is served at /; empty: no UI. `make run` sets it",
    )
    log_level: LogLevel = Field(default="warning", description="Least severe level that is logged")
    http: HttpSettings = Field(default=HttpSettings(), description="How it speaks HTTP")
    monitor: MonitorSettings = Field(
        default=MonitorSettings(), description="Its listener for operators"
    )
    tracing: TracingSettings = Field(default=TracingSettings(), description="Its traces")
