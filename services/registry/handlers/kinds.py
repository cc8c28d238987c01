"""Lists the kinds of things that a project has here. The deletion of its workspace depends on them."""

from collections.abc import Mapping

from services.registry.store import kinds
from shared.contracts.message import Message
from shared.contracts.workspaces import KindsReply, ListRegisteredKinds
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def list_registered_kinds(_query: ListRegisteredKinds, tx: Transaction) -> KindsReply:
    """Return the kinds of which the project has at least one thing, deleted or not."""
    return KindsReply(kinds=await kinds.found(tx))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    ListRegisteredKinds: list_registered_kinds
}
