"""All commands and queries of the access service."""

from services.access.handlers import (
    access_tokens,
    authorize,
    groups,
    members,
    projects,
    tokens,
    users,
    workspaces,
)
from shared.contracts.diagnosis import Diagnose
from shared.contracts.message import Message
from shared.postgres.diagnosis import diagnosis_of
from shared.postgres.transaction import Handler, Handlers

SINGLE: dict[type[Message], Handler] = {
    **authorize.HANDLERS,
    **users.HANDLERS,
    **groups.HANDLERS,
    **projects.HANDLERS,
    **members.HANDLERS,
    **tokens.HANDLERS,
    **access_tokens.HANDLERS,
    **workspaces.HANDLERS,
    Diagnose: diagnosis_of("access"),
}

HANDLERS = Handlers(single=SINGLE, asks=("tracking", "registry"))
