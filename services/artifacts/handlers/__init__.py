"""All commands and queries of the artifacts service."""

from services.artifacts.handlers import listing, multipart, urls
from services.artifacts.handlers.context import Context, Handler
from shared.contracts.message import Message

HANDLERS: dict[type[Message], Handler] = {
    **listing.HANDLERS,
    **urls.HANDLERS,
    **multipart.HANDLERS,
}

__all__ = ["HANDLERS", "Context", "Handler"]
