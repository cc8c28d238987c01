"""The traces service without a broker: its executor on a migrated schema, and a stand-in for tracking."""

import base64
import json
import time
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from services.traces.handlers import HANDLERS
from shared.contracts.errors import DomainError, missing_resource
from shared.contracts.message import Kind
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, Envelope, Frame, new_id
from shared.mlflow.trace_retention import RETENTION_TAG
from shared.postgres.event_executor import EventExecutor
from shared.postgres.executor import Executor
from shared.postgres.handlers import PostgresHandlers
from tests.service_pools import Pool

PROJECT = 7
MILLISECONDS = 1_767_225_600_000
"""The beginning of 2026."""


class FakeTracking:
    """Answers the questions that the service has. Experiments 1 and 2 exist, and runs that are listed."""

    ready = True

    def __init__(self) -> None:
        self.stages = {"1": "active", "2": "active"}
        self.runs: set[str] = set()
        self.tags: dict[str, str] = {}
        """The value of an experiment's tag for its retention."""
        self.asked: list[Envelope] = []

    async def call(
        self,
        service: str,
        kind: Kind,
        envelope: Envelope,
        seconds: float | None = None,  # noqa: ARG002
    ) -> Answer:
        assert (service, kind) == ("tracking", "queries")
        self.asked.append(envelope)
        query = json.loads(envelope.payload)
        if envelope.name == "GetRun":
            if query["run_id"] not in self.runs:
                return Answer.refusal(missing_resource(f"Run with id={query['run_id']} not found"))
            return Answer(b'{"run": {}}')
        if envelope.name == "GetExperimentTag":
            assert query["key"] == RETENTION_TAG
            wanted = {key: self.tags[key] for key in query["experiment_ids"] if key in self.tags}
            return Answer(json.dumps({"values": wanted}).encode())
        number = query["experiment_id"]
        if number not in self.stages:
            return Answer.refusal(missing_resource(f"No Experiment with id={number} exists"))
        experiment = {
            "experiment_id": number,
            "name": "e",
            "artifact_location": f"mlflow-artifacts:/{envelope.project}/{number}",
            "lifecycle_stage": self.stages[number],
            "last_update_time": 0,
            "creation_time": 0,
        }
        return Answer(json.dumps({"experiment": experiment}).encode())


class Traces:
    """Sends messages as the worker would."""

    def __init__(
        self, pool: Pool, tracking: FakeTracking, handlers: PostgresHandlers = HANDLERS
    ) -> None:
        self.pool = pool
        self.executor = Executor(pool, handlers, tracking)
        self.events = EventExecutor(pool, HANDLERS)

    async def call(self, name: str, project: int = PROJECT, /, **fields: Any) -> Any:
        """Carry out one message and return its JSON. Raises DomainError."""
        message = envelope(name, project, **fields)
        if HANDLERS.messages[name].kind == "queries":
            answer = await self.executor.query(message)
        else:
            (answer,) = await self.frame(message)
        if answer.error:
            raise DomainError(answer.error, answer.body.decode(), answer.parameter)
        return json.loads(answer.body)

    async def frame(self, *envelopes: Envelope, frame: Frame | None = None) -> list[Answer]:
        """Carry out commands together."""
        frame = frame or Frame(new_id(), "commands", envelopes)
        outcome = await self.executor.commands(frame, redelivered=False)
        assert not outcome.poison
        return [outcome.answers[index] for index in range(len(frame.envelopes))]

    async def start(
        self, trace_id: str, project: int = PROJECT, /, experiment: str = "1", **fields: Any
    ) -> Any:
        """Store a trace as a client of MLflow 3 does, and return it."""
        info = {
            "trace_id": trace_id,
            "trace_location": {
                "type": "MLFLOW_EXPERIMENT",
                "mlflow_experiment": {"experiment_id": experiment},
            },
            "request_time": "2026-01-01T00:00:00Z",
            "execution_duration": "1.5s",
            "state": "OK",
            **fields,
        }
        reply = await self.call("StartTraceV3", project, trace={"trace_info": info})
        return reply["trace"]["trace_info"]

    async def info(self, trace_id: str, project: int = PROJECT) -> Any:
        """Return a trace as it is now."""
        reply = await self.call("GetTraceInfoV3", project, trace_id=trace_id)
        return reply["trace"]["trace_info"]

    async def log(self, *spans: Any, experiment: str = "1", traces: Any = ()) -> Any:
        """Store spans."""
        return await self.call("LogSpans", experiment_id=experiment, spans=spans, traces=traces)

    async def search(self, experiments: Any = ("1",), **fields: Any) -> Any:
        """Return the ids of a page, and its token."""
        locations = [{"mlflow_experiment": {"experiment_id": each}} for each in experiments]
        reply = await self.call("SearchTracesV3", locations=locations, **fields)
        return [each["trace_id"] for each in reply["traces"]], reply.get("next_page_token")

    async def happen(self, topic: str, **fields: Any) -> None:
        """Deliver an event of tracking."""
        payload = json.dumps(fields).encode()
        await self.events.event(ReceivedEvent(new_id(), PROJECT, topic, payload))


def envelope(name: str, project: int = PROJECT, /, **fields: Any) -> Envelope:
    """Return what the gateway sends for a request with these fields."""
    payload = json.dumps(fields).encode()
    return Envelope(new_id(), name, project, payload, deadline=time.time() + 60)


def span(trace_id: str, number: int, parent: int | None = None, **fields: Any) -> dict[str, Any]:
    """Return a span of a trace, which ends a second after its start, at its number in seconds."""
    start = (MILLISECONDS + 1000 * number) * 1_000_000
    attributes = fields.pop("attributes", {"mlflow.traceRequestId": json.dumps(trace_id)})
    made = {
        "trace_id": trace_id,
        "span_id": f"{number:016x}",
        "parent_span_id": "" if parent is None else f"{parent:016x}",
        "name": f"step {number}",
        "type": "CHAIN",
        "status": "OK",
        "start_time_ns": start,
        "end_time_ns": start + 1_000_000_000,
        **fields,
    }
    content = {
        "trace_id": base64.b64encode(bytes(16)).decode(),
        "span_id": base64.b64encode(number.to_bytes(8, "big")).decode(),
        "parent_span_id": None
        if parent is None
        else base64.b64encode(parent.to_bytes(8, "big")).decode(),
        "name": made["name"],
        "start_time_unix_nano": made["start_time_ns"],
        "end_time_unix_nano": made["end_time_ns"],
        "events": [],
        "status": {"code": f"STATUS_CODE_{made['status']}", "message": ""},
        "attributes": attributes,
        "links": [],
    }
    return {"content": json.dumps(content, ensure_ascii=False), **made}


def again(message: Envelope) -> Envelope:
    """Return the same command with another id, as if the client had sent it twice."""
    return replace(message, id=new_id())


@pytest.fixture
def pool(traces_pool: Pool) -> Pool:
    """A pool on a migrated schema."""
    return traces_pool


@pytest.fixture
def tracking() -> FakeTracking:
    """The other service."""
    return FakeTracking()


@pytest.fixture
def traces(pool: Pool, tracking: FakeTracking) -> Traces:
    """The service."""
    return Traces(pool, tracking)


@pytest.fixture
def deadlocks(traces) -> list[BaseException]:
    """The deadlocks that PostgreSQL reports while the test runs. The executor tries such a frame again."""
    found: list[BaseException] = []
    carry_out = traces.executor.transactions.carry_out

    async def watched(*args: Any) -> Any:
        try:
            return await carry_out(*args)
        except asyncpg.DeadlockDetectedError as error:
            found.append(error)
            raise

    traces.executor.transactions.carry_out = watched
    return found
