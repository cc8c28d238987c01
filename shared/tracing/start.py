"""Starts tracing, if the settings name a collector."""

from shared.runtime.settings import TracingSettings
from shared.runtime.starting import StartError
from shared.tracing.hooks import OFF, Tracing


def start_tracing(service: str, settings: TracingSettings) -> Tracing:
    """Return the tracing of this process. Raises StartError if a package for it is not installed."""
    if not settings.endpoint:
        return OFF
    try:
        from shared.tracing.export import exporting  # noqa: PLC0415  # The extra may be absent.
    except ModuleNotFoundError as error:
        raise StartError(
            f"WARREN_TRACING_ENDPOINT is set, but {error.name} is not installed: pip install 'warren[tracing]'"
        ) from error
    return exporting(service, settings)
