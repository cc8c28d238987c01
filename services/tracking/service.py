"""The tracking service as one object, for its own process and for ``services.standalone``."""

from services.tracking.handlers import HANDLERS
from services.tracking.settings import TrackingSettings
from shared.bus.transport import Transport
from shared.service import PostgresService, ServiceSettings


async def start(settings: TrackingSettings, transport: Transport) -> PostgresService:
    """Start the service on a transport that is not started yet."""
    return await PostgresService.start(
        ServiceSettings(
            name="tracking",
            dsn=settings.tracking_dsn,
            schema=settings.tracking_schema,
            pool_size=settings.tracking_pool_size,
            command_frames=settings.tracking_command_frames,
            query_frames=settings.tracking_query_frames,
        ),
        HANDLERS,
        transport,
    )
