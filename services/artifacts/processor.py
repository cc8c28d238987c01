"""The ``Processor`` of a service whose state is a bucket.

There are no transactions and no inbox: the commands of a frame are independent, and each may run twice (ADR 10). For
commands and queries unavailable storage is an answer and not a retry, because the client waits and can repeat its
request. An event has no waiting client, so it is retried later.
"""

import asyncio
import time

from services.artifacts.handlers.context import StorageContext, UrlLifetimes
from services.artifacts.store.objects import (
    BadRequestError,
    NoSuchObjectError,
    ObjectStore,
    StorageUnavailableError,
)
from shared.contracts.errors import DomainError, ErrorCode, invalid, missing_resource
from shared.handling import dispatch
from shared.handling.handlers import Handlers
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, Envelope, Frame
from shared.messaging.processor import Outcome, RetryLaterError
from shared.runtime.log_context import bound_messages


class StorageProcessor:
    """Runs commands, queries and event handlers on an object store."""

    def __init__(
        self,
        store: ObjectStore,
        handlers: Handlers[StorageContext],
        max_artifact_bytes: int,
        lifetimes: UrlLifetimes = UrlLifetimes(),  # noqa: B008  # It is frozen.
    ) -> None:
        self._store = store
        self._handlers = handlers
        self._messages = handlers.messages
        self._topics = handlers.topics
        self._max_artifact_bytes = max_artifact_bytes
        self._lifetimes = lifetimes

    async def commands(self, frame: Frame, *, redelivered: bool) -> Outcome:  # noqa: ARG002
        """Run the commands of a frame concurrently. A redelivered frame runs again, which is harmless."""
        answers = await asyncio.gather(*(self.query(envelope) for envelope in frame.envelopes))
        return Outcome(dict(enumerate(answers)))

    async def query(self, envelope: Envelope) -> Answer:
        """Return the answer to one message. Never raises."""
        with bound_messages((envelope,)):
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
        except StorageUnavailableError as error:
            return Answer.refusal(DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, str(error)))
        except Exception:
            return dispatch.internal_error()

    async def event(self, event: ReceivedEvent) -> None:
        """Handle an event, or ignore one without a handler. Raises RetryLaterError if storage is unavailable."""
        if event.topic not in self._topics:
            return
        contract, handle = self._topics[event.topic]
        try:
            await handle(contract.parse(event.payload), self._context(event.as_message()))
        except StorageUnavailableError as error:
            raise RetryLaterError(str(error)) from error

    async def _answer(self, envelope: Envelope) -> Answer:
        if envelope.deadline <= time.time():
            raise dispatch.expired()
        message = dispatch.parse(self._messages, envelope)
        handle = self._handlers.single[type(message)]
        return dispatch.answer(await handle(message, self._context(envelope)))

    def _context(self, envelope: Envelope) -> StorageContext:
        return StorageContext(
            envelope.project,
            envelope,
            store=self._store,
            max_artifact_bytes=self._max_artifact_bytes,
            lifetimes=self._lifetimes,
        )
