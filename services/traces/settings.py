"""The settings of the traces service."""

from pydantic import Field

from shared.mlflow.trace_retention import Duration, Retention, retention_of
from shared.runtime.settings import PostgresServiceSettings, ProcessSettings


class TracesServiceSettings(PostgresServiceSettings):
    """The settings of a service on PostgreSQL, and how long traces are kept."""

    retention: Duration = Field(
        default="",
        description="How long traces are kept after their arrival, as 30d, 12h or 90m; empty: for ever. An experiment's "
        "tag mlflow.trace.archivalRetention may choose less",
    )
    longest_retention: Duration = Field(
        default="",
        description="Up to this long an experiment's tag may keep its traces; empty: not longer than RETENTION",
    )

    @property
    def kept(self) -> Retention:
        """Both settings."""
        return retention_of(self.retention, self.longest_retention)


class TracesSettings(ProcessSettings):
    """The traces service: traces and their spans.

    Every setting is also an environment variable, as in WARREN_TRACES_DSN.
    """

    traces: TracesServiceSettings = Field(description="Its database and how it is used")
