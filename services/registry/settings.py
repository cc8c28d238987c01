"""The settings of the registry service."""

from pydantic import Field

from shared.runtime.settings import ProcessSettings, ReplicatedServiceSettings


class RegistrySettings(ProcessSettings):
    """The registry service: registered models, their versions, tags and aliases.

    Every setting is also an environment variable, as in WARREN_REGISTRY_DSN.
    """

    registry: ReplicatedServiceSettings = Field(description="Its database and how it is used")
