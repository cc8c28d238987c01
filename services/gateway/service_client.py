"""Sends messages to services on behalf of a request that needs more than one message."""

import time
from dataclasses import dataclass

from services.gateway.auth.callers import Caller
from shared.contracts.message import Message
from shared.messaging.calls import Bus
from shared.messaging.messages import Envelope, new_id


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """Sends messages with the caller, the dialect and the id of one request. ``timeout`` is in seconds, for each message."""

    bus: Bus
    caller: Caller
    dialect: str
    request_id: str
    timeout: float

    async def send(self, message: Message, idempotency_key: str | None = None) -> bytes:
        """Send a message that the gateway made and return the reply's JSON. Raises DomainError."""
        payload = message.model_dump_json(exclude_none=True).encode()
        return await self.forward(type(message), payload, idempotency_key)

    async def forward(
        self, contract: type[Message], payload: bytes, idempotency_key: str | None = None
    ) -> bytes:
        """Send a client's payload, unparsed, as a message and return the reply's JSON. Raises DomainError."""
        envelope = Envelope(
            id=new_id(),
            name=contract.__name__,
            project=self.caller.project,
            payload=payload,
            deadline=time.time() + self.timeout,
            user_id=self.caller.user_id,
            username=self.caller.username,
            dialect=self.dialect,
            request_id=self.request_id,
            idempotency_key=idempotency_key,
        )
        answer = await self.bus.call(contract.service, contract.kind, envelope)
        return answer.checked()
