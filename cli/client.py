"""Calls to services for an operator. They are retried, because an operator can wait."""

import asyncio
import time
from dataclasses import dataclass
from typing import TypeVar

from shared.contracts.errors import DomainError
from shared.contracts.message import Command, Message, Query, Wire
from shared.messaging.calls import Bus
from shared.messaging.messages import Envelope, new_id

RETRIES = 10
"""How often a message is sent again if the service does not answer."""

RETRY_SECONDS = 2.0
SECONDS_TO_ANSWER = 60.0

Reply = TypeVar("Reply", bound=Wire)


@dataclass(frozen=True, slots=True)
class Project:
    """A project, as the target of calls. A retry follows a pause of `retry_seconds`."""

    bus: Bus
    number: int
    retry_seconds: float = RETRY_SECONDS

    async def call(self, message: Query | Command, reply: type[Reply]) -> Reply:
        """Return a service's reply; retry while there is none. Raises DomainError.

        The message must be idempotent: each attempt has a new id, so no inbox recognizes it.
        """
        for attempt in range(RETRIES + 1):
            try:
                answer = await self.bus.call(message.service, message.kind, self._envelope(message))
            except DomainError:
                if attempt == RETRIES:
                    raise
                await asyncio.sleep(self.retry_seconds)
                continue
            return reply.model_validate_json(answer.checked())
        raise AssertionError  # The loop returns or raises.

    def _envelope(self, message: Message) -> Envelope:
        return Envelope(
            id=new_id(),
            name=type(message).__name__,
            project=self.number,
            payload=message.model_dump_json().encode(),
            deadline=time.time() + SECONDS_TO_ANSWER,
        )
