"""Asking services on behalf of a request that one envelope does not answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.gateway.callers import Caller
from shared.bus.events import ReceivedEvent
from shared.bus.messages import Answer, Envelope, Kind, new_id
from shared.contracts.message import Message
from shared.errors import DomainError


class Bus(Protocol):
    """What the gateway needs of the bus's client."""

    async def call(self, service: str, kind: Kind, envelope: Envelope) -> Answer:
        """Return the service's answer.

        Raises DomainError: REQUEST_LIMIT_EXCEEDED when nothing was published,
        TEMPORARILY_UNAVAILABLE when the outcome is unknown.
        """

    def hear(
        self,
        topics: Sequence[str],
        on_event: Callable[[ReceivedEvent], None],
        on_missed: Callable[[], None],
    ) -> None:
        """Hear of events; called before the client is started."""

    @property
    def ready(self) -> bool:
        """Tell whether calls have a chance."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The bus in the name of one request; ``timeout`` is in seconds, for each question."""

    bus: Bus
    caller: Caller
    request_id: str
    timeout: float

    async def ask(self, message: Message) -> bytes:
        """Send a message of ours and return the reply's JSON. Raises DomainError."""
        return await self.pass_on(
            type(message), message.model_dump_json(exclude_none=True).encode()
        )

    async def pass_on(self, contract: type[Message], payload: bytes) -> bytes:
        """Send a client's payload as another message and return the reply's JSON.

        Raises DomainError.
        """
        envelope = Envelope(
            id=new_id(),
            name=contract.__name__,
            project=self.caller.project,
            payload=payload,
            deadline=time.time() + self.timeout,
            user=self.caller.user,
            dialect=self.caller.dialect,
            request_id=self.request_id,
        )
        answer = await self.bus.call(contract.service, contract.kind, envelope)
        if answer.error is not None:
            raise DomainError(answer.error, answer.body.decode(errors="replace"))
        return answer.body
