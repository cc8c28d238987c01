"""The settings of the tracking service."""

from pydantic import Field

from shared.runtime.settings import ProcessSettings, ReplicatedServiceSettings


class TrackingSettings(ProcessSettings):
    """The tracking service: experiments, runs, metrics, params, tags, datasets.

    Every setting is also an environment variable, as in WARREN_TRACKING_DSN.
    """

    tracking: ReplicatedServiceSettings = Field(description="Its database and how it is used")
