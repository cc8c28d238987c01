"""Settings of `make run`, from its environment."""

from pydantic import Field

from deploy.local.settings import LocalSettings
from services.gateway.http.settings import HttpSettings
from services.gateway.settings import GitLabUrl, ModelPrices
from services.gateway.ui.directory import UiDirectory
from shared.mlflow.trace_retention import Duration
from shared.runtime.addresses import PostgresDsn
from shared.runtime.settings import LogLevel, MonitorSettings


class StandaloneSettings(LocalSettings):
    """All of Warren in one process. Every setting is also an environment variable, WARREN_<NAME>."""

    postgres_dsn: PostgresDsn = Field(
        default="",
        repr=False,
        description="A PostgreSQL database to use instead of the embedded one",
    )
    gitlab_url: GitLabUrl = Field(
        default="",
        description="Address of the GitLab whose projects these are. The links (web_url) in answers of GitLab's REST "
        "API then lead to the same path there",
    )
    ui_directory: UiDirectory = Field(
        default=None,
        description="Directory of MLflow's web UI, which is served at /; empty: no UI. `make run` sets it",
    )
    model_prices: ModelPrices = Field(
        default=None,
        description="Directory of MLflow's model catalogue, by which traces are given costs; empty: no costs but "
        "those that clients send. `make run` sets it",
    )
    traces_retention: Duration = Field(
        default="",
        description="How long traces are kept after their arrival, as 30d, 12h or 90m; empty: for ever. An experiment's "
        "tag mlflow.trace.archivalRetention may choose less",
    )
    traces_longest_retention: Duration = Field(
        default="",
        description="Up to this long an experiment's tag may keep its traces; empty: not longer than "
        "WARREN_TRACES_RETENTION",
    )
    log_level: LogLevel = Field(default="warning", description="Least severe level that is logged")
    http: HttpSettings = Field(default=HttpSettings(), description="How it speaks HTTP")
    monitor: MonitorSettings = Field(
        default=MonitorSettings(), description="Its listener for operators"
    )
