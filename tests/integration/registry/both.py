"""Registry and tracking side by side, each with its executor and schema, and no broker between them."""

import json
from dataclasses import replace
from typing import Any

from services.registry.handlers import HANDLERS as REGISTRY
from services.tracking.handlers import HANDLERS as TRACKING
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Kind, Query
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, Envelope, Frame, new_id
from shared.postgres.event_executor import EventExecutor
from shared.postgres.executor import Executor
from tests.integration.registry.conftest import envelope


class Both:
    """Sends messages to the service that they are for; ``call`` of it is the registry's bus."""

    ready = True

    def __init__(self, registry_pool: Any, tracking_pool: Any) -> None:
        self.registry_pool, self.tracking_pool = registry_pool, tracking_pool
        self.tracking = Executor(tracking_pool, TRACKING)
        self.tracking_events = EventExecutor(tracking_pool, TRACKING)
        self.registry = Executor(registry_pool, REGISTRY, self)
        self.fault: DomainError | None = None
        """Raised once, after tracking has done what it was asked."""
        self.away = False
        """Whether tracking gets no command."""

    async def call(
        self,
        service: str,
        kind: Kind,
        envelope: Envelope,
        seconds: float | None = None,  # noqa: ARG002
    ) -> Answer:
        assert service == "tracking"
        if self.away and kind == "commands":
            raise DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "away")
        answer = await _carry_out(self.tracking, kind, envelope)
        if kind == "commands" and self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        return answer

    async def ask(self, name: str, /, dialect: str = "gitlab", **fields: Any) -> Any:
        """Carry out one message and return its JSON. Raises DomainError."""
        message = envelope(name, **fields)
        return await self.send(replace(message, dialect=dialect, user_id=42, username="ada"))

    async def send(self, message: Envelope) -> Any:
        """Carry out one message and return its JSON. Raises DomainError."""
        in_tracking = message.name in TRACKING.messages
        executor = self.tracking if in_tracking else self.registry
        contract = (TRACKING if in_tracking else REGISTRY).messages[message.name]
        kind: Kind = "queries" if issubclass(contract, Query) else "commands"
        answer = await _carry_out(executor, kind, message)
        if answer.error:
            raise DomainError(answer.error, answer.body.decode())
        return json.loads(answer.body)

    async def spread_events(self, *, twice: bool = False) -> None:
        """Bring the registry's events to tracking, as the relay would."""
        rows = await self.registry_pool.fetch("DELETE FROM outbox RETURNING *")
        for row in sorted(rows, key=lambda row: row["position"]):
            project, _, topic = row["topic"].partition(".")
            event = ReceivedEvent(row["id"], int(project), topic, row["payload"])
            await self.tracking_events.event(event)
            if twice:
                await self.tracking_events.event(replace(event, id=new_id()))

    async def model(self, name: str = "m", /, dialect: str = "gitlab", **fields: Any) -> Any:
        """Create a model and return it."""
        return (await self.ask("CreateRegisteredModel", dialect, name=name, **fields))[
            "registered_model"
        ]

    async def version(self, name: str = "m", /, dialect: str = "gitlab", **fields: Any) -> Any:
        """Create a version and return it."""
        reply = await self.ask("CreateModelVersion", dialect, name=name, **fields)
        return reply["model_version"]

    async def run(self, run_id: str) -> Any:
        """Return a run as it is now."""
        return (await self.ask("GetRun", run_id=run_id))["run"]

    async def new_run(self, **fields: Any) -> Any:
        """Create a run and return it."""
        return (await self.ask("CreateRun", **fields))["run"]

    async def experiment(self, name: str) -> Any:
        """Return the experiment of a name, or None."""
        try:
            return (await self.ask("GetExperimentByName", experiment_name=name))["experiment"]
        except DomainError:
            return None


async def _carry_out(executor: Executor, kind: Kind, message: Envelope) -> Answer:
    if kind == "queries":
        return await executor.query(message)
    frame = Frame(new_id(), "commands", [message])
    outcome = await executor.commands(frame, redelivered=False)
    assert not outcome.poison
    return outcome.answers[0]
