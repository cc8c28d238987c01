"""Lists the types of entities that a project has here. The deletion of its workspace depends on them."""

from collections.abc import Mapping

from services.registry.store import entity_types
from shared.contracts.message import Message
from shared.contracts.workspaces import EntityTypesReply, ListRegisteredEntityTypes
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def list_registered_entity_types(
    _query: ListRegisteredEntityTypes, tx: Transaction
) -> EntityTypesReply:
    """Return the types of which the project has at least one entity, deleted or not."""
    return EntityTypesReply(entity_types=await entity_types.present(tx))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListRegisteredEntityTypes: list_registered_entity_types
}
