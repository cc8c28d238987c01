"""The tracking service without the bus: its handlers on a migrated schema."""

import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any

import pytest

from services.tracking.handlers import HANDLERS
from services.tracking.store.experiments import ensure
from shared.contracts.errors import DomainError
from shared.contracts.message import Message
from shared.messaging.messages import Answer, Envelope, new_id
from shared.postgres.connection import AnyConnection
from shared.postgres.handlers import BatchItem
from shared.postgres.transaction import Transaction
from tests.service_pools import Pool

PROJECT = 7
OTHER_PROJECT = 8


class Tracking:
    """Sends messages to the handlers as the executor would; one transaction a call, or one statement.

    ``events`` are the topics of the emitted events, ``payloads`` their payloads. A test may put a handler with
    other limits into ``handlers``.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.handlers = dict(HANDLERS.single)
        self.events: list[str] = []
        self.payloads: list[dict[str, Any]] = []

    async def call(self, name: str, project: int = PROJECT, /, **fields: Any) -> Any:
        """Carry out one message and return its JSON. Raises DomainError."""
        (answer,) = await self.frame((name, fields), project=project)
        if isinstance(answer, DomainError):
            raise answer
        return answer

    async def frame(
        self, *messages: tuple[str, dict[str, Any]], project: int = PROJECT
    ) -> list[Any]:
        """Carry out messages of one kind together; an answer or a DomainError each."""
        calls = [parsed(name, fields, project) for name, fields in messages]
        async with self.pool.acquire() as connection:
            await ensure(connection, {project})
            # A query may run on a read replica, which writes nothing and locks no rows.
            reads = calls[0].message.kind == "queries"
            alone = HANDLERS.is_idempotent_batch(calls)
            async with nullcontext() if alone else connection.transaction(readonly=reads):
                return [_json(a) for a in await self._carry_out(calls, connection)]

    async def _carry_out(self, calls: list[BatchItem[Any]], connection: Any) -> list[Any]:
        contract = type(calls[0].message)
        if contract in HANDLERS.batch:
            return list(await HANDLERS.batch[contract](calls, connection))
        answers = []
        for call in calls:
            tx = Transaction(call.envelope.project, call.envelope, connection=connection)
            handler = self.handlers[type(call.message)]
            answers.append(await handler(call.message, tx))
            self.events += [event.topic for event in tx.events]
            self.payloads += [json.loads(event.payload) for event in tx.events]
        return answers

    async def run(self, project: int = PROJECT, /, **fields: Any) -> str:
        """Create a run and return its id."""
        reply = await self.call("CreateRun", project, **fields)
        run_id: str = reply["run"]["info"]["run_id"]
        return run_id

    async def data(self, run_id: str) -> dict[str, dict[str, Any]]:
        """Return latest metrics, params and tags of a run by key."""
        run = (await self.call("GetRun", run_id=run_id))["run"]
        return {
            kind: {item["key"]: item["value"] for item in run["data"][kind]}
            for kind in ("metrics", "params", "tags")
        }

    async def history(self, run_id: str, key: str) -> list[tuple[int, int, Any]]:
        """Return (timestamp, step, value) of all points."""
        reply = await self.call("GetMetricHistory", run_id=run_id, metric_key=key)
        return [(p["timestamp"], p["step"], p["value"]) for p in reply["metrics"]]


def parsed(name: str, fields: dict[str, Any], project: int) -> BatchItem[Message]:
    """Return the call that an envelope with these fields becomes."""
    payload = json.dumps(fields).encode()
    envelope = Envelope(new_id(), name, project, payload, deadline=0.0)
    return BatchItem(HANDLERS.messages[name].parse(payload), envelope)


def _json(answer: Any) -> Any:
    if isinstance(answer, Answer):
        return json.loads(answer.checked())
    if isinstance(answer, bytes):
        return json.loads(answer)
    if isinstance(answer, DomainError):
        return answer
    return answer.model_dump(mode="json", exclude_none=True)


@pytest.fixture
def pool(tracking_pool: Pool) -> Pool:
    """A pool on a migrated schema."""
    return tracking_pool


@pytest.fixture
def tracking(pool: Pool) -> Tracking:
    """The service."""
    return Tracking(pool)


@pytest.fixture
async def connection(pool: Pool) -> AsyncIterator[AnyConnection]:
    """A connection to the service's tables, whose changes are undone after the test."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()
