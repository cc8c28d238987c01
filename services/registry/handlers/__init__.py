"""All commands and queries of the registry service."""

from services.registry.handlers import (
    entity_types,
    model_aliases,
    model_versions,
    registered_models,
)
from shared.contracts.diagnosis import Diagnose
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.postgres.diagnosis import diagnosis_of
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.transaction import Transaction

SINGLE: dict[type[Message], Handler[Transaction]] = {
    **registered_models.HANDLERS,
    **model_versions.HANDLERS,
    **model_aliases.HANDLERS,
    **entity_types.HANDLERS,
    Diagnose: diagnosis_of("registry"),
}

HANDLERS = PostgresHandlers(single=SINGLE)
