"""All commands and queries of the access service."""

from services.access.handlers import authorize
from shared.database.transaction import Handlers

HANDLERS = Handlers(single={**authorize.HANDLERS})
