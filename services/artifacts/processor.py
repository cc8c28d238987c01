"""The ``Processor`` of a service whose state is a bucket.

There are no transactions here and no inbox: commands of a frame are independent of each other, and
each may be carried out twice (ADR 10). Storage that is away is an answer, not a retry: the client
waits, and is told to come again. Nobody waits for what an event asks for: it comes again by itself.
"""

import asyncio
import secrets
import time
from collections.abc import Mapping

import structlog

from services.artifacts.handlers import EVENT_HANDLERS, Context, Handler
from services.artifacts.store.objects import (
    BadRequestError,
    NoSuchObjectError,
    ObjectStore,
    StorageAwayError,
)
from shared.contracts.errors import DomainError, ErrorCode, invalid, missing_resource
from shared.contracts.message import Message
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, Envelope, Frame
from shared.messaging.worker import Outcome, RetryLaterError
from shared.runtime.log_context import about

log = structlog.get_logger()

EVENTS = {contract.topic: (contract, handle) for contract, handle in EVENT_HANDLERS.items()}


class StorageProcessor:
    """Carries out commands and queries on an object store."""

    def __init__(
        self,
        store: ObjectStore,
        handlers: Mapping[type[Message], Handler],
        max_artifact_bytes: int,
    ) -> None:
        self._store = store
        self._handlers = {
            contract.__name__: (contract, handlers[contract]) for contract in handlers
        }
        self._max_artifact_bytes = max_artifact_bytes

    async def commands(self, frame: Frame, *, redelivered: bool) -> Outcome:  # noqa: ARG002
        """Carry out the commands of a frame side by side; a second time is harmless."""
        answers = await asyncio.gather(*(self.query(envelope) for envelope in frame.envelopes))
        return Outcome(dict(enumerate(answers)))

    async def query(self, envelope: Envelope) -> Answer:
        """Answer one message; never raises."""
        with about((envelope,)):
            return await self._answer_or_refuse(envelope)

    async def _answer_or_refuse(self, envelope: Envelope) -> Answer:
        try:
            return await self._answer(envelope)
        except DomainError as error:
            return Answer.refusal(error)
        except NoSuchObjectError:
            return Answer.refusal(missing_resource("No such artifact."))
        except BadRequestError as error:
            return Answer.refusal(invalid(str(error)))
        except StorageAwayError as error:
            return Answer.refusal(DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, str(error)))
        except Exception:
            error_id = secrets.token_hex(8)
            log.exception("request_failed", error_id=error_id)
            message = f"An internal error occurred (error id {error_id})."
            return Answer(message.encode(), ErrorCode.INTERNAL_ERROR)

    async def event(self, event: ReceivedEvent) -> None:
        """Do what an event asks for; one of no interest is passed over. Raises RetryLaterError."""
        if event.topic not in EVENTS:
            return
        contract, handle = EVENTS[event.topic]
        context = Context(event.project, self._store, self._max_artifact_bytes)
        try:
            await handle(contract.parse(event.payload), context)
        except StorageAwayError as error:
            raise RetryLaterError(str(error)) from error

    async def _answer(self, envelope: Envelope) -> Answer:
        if envelope.deadline <= time.time():
            raise DomainError(ErrorCode.DEADLINE_EXCEEDED, "The request's deadline had passed.")
        if envelope.name not in self._handlers:
            message = f"This service does not know the message {envelope.name}."
            raise DomainError(ErrorCode.NOT_IMPLEMENTED, message)
        contract, handle = self._handlers[envelope.name]
        context = Context(envelope.project, self._store, self._max_artifact_bytes)
        reply = await handle(contract.parse(envelope.payload), context)
        return Answer(reply.__pydantic_serializer__.to_json(reply, exclude_none=True))
