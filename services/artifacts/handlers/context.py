"""What a handler of the artifacts service is given besides its message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.artifacts.store.objects import ObjectStore
from shared.contracts.message import Wire


@dataclass(frozen=True, slots=True)
class Context:
    """Whose request it is, the storage, and the largest file that may be made of parts."""

    project: int
    store: ObjectStore
    max_artifact_bytes: int


Handler = Callable[[Any, Context], Awaitable[Wire]]
"""``async def delete_artifact(cmd: DeleteArtifact, context: Context) -> Empty``.

Raises DomainError, or what the store raises. Every command may be carried out twice: this service
has no inbox, so each handler makes the second time harmless.
"""
