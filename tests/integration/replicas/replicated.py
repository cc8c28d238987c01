"""A service with read replicas, without a bus, as one process has it."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from deploy.local.embedded.postgres import EmbeddedPostgres
from services.tracking.handlers import HANDLERS as TRACKING
from shared.contracts.errors import DomainError
from shared.messaging.messages import Envelope, Frame, new_id
from shared.postgres.executor import Executor
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.pool import ConnectionOptions, open_pool
from shared.postgres.replica import ReplicaLimits
from shared.postgres.replicas import Replicas

LIMITS = ReplicaLimits(
    probe_timeout=0.5,
    probe_interval=0.2,
    query_timeout=5.0,
    first_pause=0.05,
    longest_pause=0.2,
    first_lag_pause=0.05,
)
PATIENT = replace(LIMITS, catch_up_timeout=1.0)
"""A test that must find queries on the replica does not depend on how busy the machine is."""

PROJECTS = itertools.count(1)


class Service:
    """A tracking service without a bus, as one process has it."""

    def __init__(self, handlers: PostgresHandlers, executor: Executor, replicas: Replicas) -> None:
        self.handlers = handlers
        self.executor = executor
        self.replicas = replicas
        self.project = next(PROJECTS)

    async def call(self, name: str, /, **fields: Any) -> Any:
        """Carry out one message and return its JSON. Raises DomainError."""
        payload = json.dumps(fields).encode()
        envelope = Envelope(new_id(), name, self.project, payload, deadline=time.time() + 60)
        if self.handlers.messages[name].kind == "queries":
            answer = await self.executor.query(envelope)
        else:
            frame = Frame(new_id(), "commands", [envelope])
            answer = (await self.executor.commands(frame, redelivered=False)).answers[0]
        if answer.error:
            raise DomainError(answer.error, answer.body.decode())
        return json.loads(answer.body)

    async def new_run(self) -> str:
        """Create a run."""
        created = await self.call("CreateRun", experiment_id="0", start_time=1)
        return str(created["run"]["info"]["run_id"])

    async def tag(self, run_id: str) -> str:
        """Return the value of a run's tag."""
        run = (await self.call("GetRun", run_id=run_id))["run"]
        return {each["key"]: each["value"] for each in run["data"]["tags"]}["t"]

    async def ready(self, count: int = 1) -> None:
        """Wait until queries are sent to replicas."""
        await until(lambda: [each.state for each in self.replicas.replicas].count(None) == count)

    def outcomes(self) -> dict[str, int]:
        """Return how many queries ended in which way."""
        return {
            name: int(each._value.get())
            for name, each in self.replicas._outcomes.items()
            if each._value.get()
        }


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)


@asynccontextmanager
async def service(
    primary: EmbeddedPostgres,
    dsns: Sequence[str],
    limits: ReplicaLimits = PATIENT,
    handlers: PostgresHandlers = TRACKING,
) -> AsyncIterator[Service]:
    dsn = primary.dsn("postgres")
    name = "tracking" if handlers is TRACKING else "registry"
    pool = await open_pool(dsn, schema=name, size=4, application_name="test")
    replicas = await Replicas.open(dsn, dsns, ConnectionOptions(name, "test"), 4, limits)
    for each in replicas._outcomes.values():
        each.reset()
    executor = Executor(pool, handlers, replicas=replicas)
    serving = Service(handlers, executor, replicas)
    if handlers is TRACKING:
        # The first message of a project in a process makes its rows.
        await serving.call("GetExperiment", experiment_id="0")
    yield serving
    await executor.close()
    await pool.close()
