"""The settings of the tracking service."""

from pydantic import Field

from shared.runtime.settings import PostgresServiceSettings, ProcessSettings


class TrackingSettings(ProcessSettings):
    """The tracking service: experiments, runs, metrics, params, tags, datasets.

    Every setting is also an environment variable, as in WARREN_TRACKING_DSN.
    """

    tracking: PostgresServiceSettings = Field(description="Its database and how it is used")
