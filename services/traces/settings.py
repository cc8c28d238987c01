"""The settings of the traces service."""

from pydantic import Field

from shared.runtime.settings import PostgresServiceSettings, ProcessSettings


class TracesSettings(ProcessSettings):
    """The traces service: traces and their spans.

    Every setting is also an environment variable, as in WARREN_TRACES_DSN.
    """

    traces: PostgresServiceSettings = Field(description="Its database and how it is used")
