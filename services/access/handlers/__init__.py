"""All handlers of the access service, by message."""

from services.access.handlers import (
    access_tokens,
    authorize,
    groups,
    members,
    projects,
    sessions,
    tokens,
    users,
    workspaces,
)
from shared.contracts.diagnosis import Diagnose
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.postgres.diagnosis import diagnosis_of
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.transaction import Transaction

SINGLE: dict[type[Message], Handler[Transaction]] = {
    **authorize.HANDLERS,
    **users.HANDLERS,
    **groups.HANDLERS,
    **projects.HANDLERS,
    **members.HANDLERS,
    **tokens.HANDLERS,
    **access_tokens.HANDLERS,
    **workspaces.HANDLERS,
    **sessions.HANDLERS,
    Diagnose: diagnosis_of("access"),
}

HANDLERS = PostgresHandlers(single=SINGLE)
