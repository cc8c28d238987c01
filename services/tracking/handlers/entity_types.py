"""Lists the types of entities that a project has here. The deletion of its workspace depends on them."""

from collections.abc import Mapping

from services.tracking.store import entity_types
from shared.contracts.message import Message
from shared.contracts.workspaces import EntityTypesReply, ListTrackedEntityTypes
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def list_tracked_entity_types(
    _query: ListTrackedEntityTypes, tx: Transaction
) -> EntityTypesReply:
    """Return the types of which the project has at least one entity, deleted or not."""
    return EntityTypesReply(entity_types=await entity_types.present(tx))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListTrackedEntityTypes: list_tracked_entity_types
}
