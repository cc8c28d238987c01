"""All commands, queries and events of the artifacts service."""

from services.artifacts.handlers import diagnosis, listing, multipart, orphans, urls
from services.artifacts.handlers.context import Context, Handler
from services.artifacts.handlers.purged import EVENT_HANDLERS
from shared.contracts.message import Message

HANDLERS: dict[type[Message], Handler] = {
    **listing.HANDLERS,
    **urls.HANDLERS,
    **multipart.HANDLERS,
    **orphans.HANDLERS,
    **diagnosis.HANDLERS,
}

__all__ = ["EVENT_HANDLERS", "HANDLERS", "Context", "Handler"]
