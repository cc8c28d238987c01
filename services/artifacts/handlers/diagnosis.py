"""The diagnosis of the artifacts service."""

from collections.abc import Mapping

from services.artifacts.handlers.context import StorageContext
from shared.contracts.diagnosis import Diagnose, Diagnosis
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.runtime.clock import now


async def diagnose(_query: Diagnose, context: StorageContext) -> Diagnosis:
    """Return the diagnosis after checking the bucket. Raises DomainError if the bucket does not exist."""
    if not await context.store.has_bucket():
        raise DomainError(
            ErrorCode.TEMPORARILY_UNAVAILABLE, "The storage does not have Warren's bucket."
        )
    return Diagnosis(clocks={"process": now()})


HANDLERS: Mapping[type[Message], Handler[StorageContext]] = {Diagnose: diagnose}
