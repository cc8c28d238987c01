"""The registry service without a broker: its executor on a migrated schema, and a stand-in for tracking."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from services.registry.handlers import HANDLERS
from shared.contracts.errors import DomainError, missing_resource
from shared.contracts.message import Kind
from shared.messaging.calls import Bus
from shared.messaging.messages import Answer, Envelope, Frame, new_id
from shared.postgres.executor import Executor
from tests.service_pools import Pool

PROJECT = 7


class FakeTracking:
    """Answers the questions that the registry has; without an entry the thing does not exist.

    Whatever it has done here is done.
    """

    ready = True

    def __init__(self) -> None:
        self.run_roots: dict[str, str] = {}
        self.models: dict[str, dict[str, str]] = {}
        self.asked: list[Envelope] = []
        self.fault: DomainError | None = None
        self.done = Answer(b"{}")

    async def call(
        self,
        service: str,
        kind: Kind,
        envelope: Envelope,
        seconds: float | None = None,  # noqa: ARG002
    ) -> Answer:
        assert service == "tracking"
        self.asked.append(envelope)
        if self.fault:
            raise self.fault
        if kind == "commands":
            return self.done
        query = json.loads(envelope.payload)
        found = self._run(query) if envelope.name == "GetRun" else self._model(query)
        if found is None:
            return Answer.refusal(missing_resource("There is none."))
        return Answer(json.dumps(found).encode())

    def _run(self, query: dict[str, str]) -> dict[str, Any] | None:
        root = self.run_roots.get(query["run_id"])
        info = {
            "run_id": query["run_id"],
            "run_uuid": query["run_id"],
            "run_name": "n",
            "experiment_id": "0",
            "user_id": "",
            "status": "RUNNING",
            "start_time": 0,
            "artifact_uri": root,
            "lifecycle_stage": "active",
        }
        return {"run": {"info": info, "data": {}}} if root else None

    def _model(self, query: dict[str, str]) -> dict[str, Any] | None:
        model = self.models.get(query["model_id"])
        info = {
            "model_id": query["model_id"],
            "experiment_id": "0",
            "name": "n",
            "creation_timestamp_ms": 0,
            "last_updated_timestamp_ms": 0,
            "status": "LOGGED_MODEL_READY",
            "model_type": "",
            "source_run_id": "",
        }
        return {"model": {"info": {**info, **model}, "data": {}}} if model else None


class Registry:
    """Sends messages as the worker would."""

    def __init__(self, pool: Pool, tracking: Bus, dialect: str = "mlflow") -> None:
        self.pool = pool
        self.dialect = dialect
        self.executor = Executor(pool, HANDLERS, tracking)

    async def call(self, name: str, project: int = PROJECT, /, **fields: Any) -> Any:
        """Carry out one message and return its JSON. Raises DomainError."""
        message = replace(envelope(name, project, **fields), dialect=self.dialect)
        if HANDLERS.messages[name].kind == "queries":
            answer = await self.executor.query(message)
        else:
            (answer,) = await self.frame(message)
        if answer.error:
            raise DomainError(answer.error, answer.body.decode())
        return json.loads(answer.body)

    async def frame(self, *envelopes: Envelope) -> list[Answer]:
        """Carry out commands together."""
        frame = Frame(new_id(), "commands", envelopes)
        outcome = await self.executor.commands(frame, redelivered=False)
        assert not outcome.poison
        return [outcome.answers[index] for index in range(len(envelopes))]

    async def model(self, name: str = "m", project: int = PROJECT, /, **fields: Any) -> Any:
        """Create a model and return it."""
        reply = await self.call("CreateRegisteredModel", project, name=name, **fields)
        return reply["registered_model"]

    async def version(self, name: str = "m", project: int = PROJECT, /, **fields: Any) -> Any:
        """Create a version and return it."""
        fields = {"source": "s3://bucket/path", **fields}
        reply = await self.call("CreateModelVersion", project, name=name, **fields)
        return reply["model_version"]

    async def prompt(self, name: str, text: str = "Hello") -> Any:
        """Create a prompt with one version, as clients do."""
        tag = {"key": "mlflow.prompt.is_prompt", "value": "true"}
        await self.model(name, tags=[tag])
        tags = [tag, {"key": "mlflow.prompt.text", "value": text}]
        return await self.version(name, source="dummy-source", tags=tags)

    async def read_model(self, name: str = "m") -> Any:
        """Return a model as it is now."""
        return (await self.call("GetRegisteredModel", name=name))["registered_model"]

    async def read_version(self, version: str, name: str = "m") -> Any:
        """Return a version as it is now."""
        reply = await self.call("GetModelVersion", name=name, version=version)
        return reply["model_version"]

    async def topics(self) -> list[str]:
        """Return the topics of all events, in their order."""
        rows = await self.pool.fetch("SELECT topic FROM outbox ORDER BY position")
        return [row["topic"] for row in rows]

    async def last_event(self) -> tuple[str, dict[str, Any]]:
        """Return topic and payload of the last event."""
        row = await self.pool.fetchrow("SELECT * FROM outbox ORDER BY position DESC LIMIT 1")
        assert row is not None
        return row["topic"], json.loads(row["payload"])


def envelope(name: str, project: int = PROJECT, /, **fields: Any) -> Envelope:
    """Return what the gateway sends for a request with these fields."""
    payload = json.dumps(fields).encode()
    return Envelope(new_id(), name, project, payload, deadline=time.time() + 60)


@pytest.fixture
def pool(registry_pool: Pool) -> Pool:
    """A pool on a migrated schema."""
    return registry_pool


@pytest.fixture
def tracking() -> FakeTracking:
    """The other service."""
    return FakeTracking()


@pytest.fixture
def registry(pool: Pool, tracking: FakeTracking) -> Registry:
    """The service."""
    return Registry(pool, tracking)
