"""All commands and queries of the registry service."""

from services.registry.handlers import kinds, model_aliases, model_versions, registered_models
from shared.contracts.diagnosis import Diagnose
from shared.contracts.message import Message
from shared.postgres.diagnosis import diagnosis_of
from shared.postgres.transaction import Handler, Handlers

SINGLE: dict[type[Message], Handler] = {
    **registered_models.HANDLERS,
    **model_versions.HANDLERS,
    **model_aliases.HANDLERS,
    **kinds.HANDLERS,
    Diagnose: diagnosis_of("registry"),
}

HANDLERS = Handlers(single=SINGLE, asks=("tracking",))
