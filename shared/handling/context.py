"""The context that a handler gets besides its message: the caller's project, other services, events."""

from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Command, DomainEvent, Query
from shared.messaging.calls import Bus
from shared.messaging.messages import Envelope, new_id

CALL_SECONDS = 5.0
"""Seconds that a handler waits for another service. Its own transaction stays open meanwhile."""


@dataclass(frozen=True, slots=True)
class EmittedEvent:
    """An event that a handler has emitted.

    ``topic`` is ``<project>.<noun>.<verb>``, ``payload`` is JSON. ``early``: see ``Context.emit``.
    """

    id: UUID
    topic: str
    payload: bytes
    traceparent: str = ""
    early: bool = False


@dataclass(slots=True)
class Context:
    """The context of one message. Services on PostgreSQL and on S3 each extend it.

    ``has_written`` is true when the handler has changed the service's own state.
    """

    project: int
    envelope: Envelope
    bus: Bus | None = None
    events: list[EmittedEvent] = field(default_factory=list)
    has_written: bool = False
    remote_command_sent: bool = False
    """Whether another service has, or may have, carried out a command for this message."""

    async def query(self, query: Query, project: int | None = None) -> bytes:
        """Send a query to a service that ``topology.ASKS`` names, on behalf of the caller.

        ``project`` defaults to this command's project. Returns the JSON of the answer.
        Raises the other service's DomainError, or REQUEST_LIMIT_EXCEEDED if it does not answer.
        A handler must query before it writes: then the caller may safely send the command again.
        """
        return await self._call(query, project)

    async def send_command(self, command: Command) -> bytes:
        """Send a command to a service that ``topology.ASKS`` names; returns and raises as ``query``.

        The other service commits on its own. The remote command must be idempotent, and harmless
        if this command fails afterwards.
        """
        return await self._call(command)

    async def _call(self, message: Query | Command, project: int | None = None) -> bytes:
        if self.bus is None or self.has_written:
            fault = "A handler calls only services that topology.ASKS names, and before it writes."
            raise RuntimeError(fault)
        name = type(message).__name__
        payload = message.model_dump_json(exclude_none=True).encode()
        envelope = replace(
            self.envelope,
            # The id derives from the command's id and the message. A repeated command therefore sends
            # the same id, and the other service's inbox answers it instead of repeating the work.
            id=uuid5(self.envelope.id, f"{name} {payload.hex()}"),
            name=name,
            project=self.project if project is None else project,
            payload=payload,
            idempotency_key=None,
        )
        is_command = isinstance(message, Command)
        # After a timeout the other service may have carried out a command; only REQUEST_LIMIT_EXCEEDED
        # from `call` says that it has not. `remote_command_sent` remembers this for later error messages.
        try:
            # The deadline stays as the sender's clock set it: this process's clock may differ.
            answer = await self.bus.call(message.service, message.kind, envelope, CALL_SECONDS)
        except DomainError as error:
            unsent = error.code is ErrorCode.REQUEST_LIMIT_EXCEEDED
            self.remote_command_sent = self.remote_command_sent or (is_command and not unsent)
            raise self._unanswered(message.service) from error
        self.remote_command_sent = self.remote_command_sent or (is_command and answer.error is None)
        return answer.checked()

    def _unanswered(self, service: str) -> DomainError:
        done = "A part may have been done" if self.remote_command_sent else "Nothing was done"
        text = f"The {service} service did not answer. {done}; try again."
        return DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, text)

    def emit(self, event: DomainEvent, *, early: bool = False) -> None:
        """Publish an event if, and only if, the handler's work is committed.

        With ``early`` the command is answered after the subscribed services have handled the event. So
        its client reads there what it has written. ``topology.ASKS`` must name those services.
        """
        if early and self.bus is None:
            fault = "Early events go only to services that topology.ASKS names."
            raise RuntimeError(fault)
        payload = event.__pydantic_serializer__.to_json(event, exclude_none=True)
        topic = f"{self.project}.{event.topic}"
        traceparent = self.envelope.traceparent
        self.events.append(EmittedEvent(new_id(), topic, payload, traceparent, early))
