"""All handlers of the artifacts service, by message and by event."""

from services.artifacts.handlers import diagnosis, listing, multipart, orphans, purged, urls
from services.artifacts.handlers.context import StorageContext
from shared.contracts.message import Message
from shared.handling.handlers import Handler, Handlers

SINGLE: dict[type[Message], Handler[StorageContext]] = {
    **listing.HANDLERS,
    **urls.HANDLERS,
    **multipart.HANDLERS,
    **orphans.HANDLERS,
    **diagnosis.HANDLERS,
}

HANDLERS = Handlers(single=SINGLE, events=purged.EVENT_HANDLERS)
