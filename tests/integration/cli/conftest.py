"""A Warren for the command ``warren``: services on a real RabbitMQ, PostgreSQL and S3 server."""

import asyncio
import io
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import pytest

from services.access.bootstrap import SCHEMA, ensure_root_token
from services.access.handlers import HANDLERS as ACCESS
from services.artifacts.service import ArtifactsService
from services.artifacts.store.minio import MinioStore
from services.traces.handlers import handlers as traces_handlers
from services.tracking.handlers import HANDLERS as TRACKING
from services.tracking.handlers.purges import purge_deleted
from shared.contracts.purges import PurgeDeleted
from shared.contracts.root_project import ROOT_PROJECT
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.messages import Envelope, new_id
from shared.mlflow.artifact_paths import file_key, proxied_root
from shared.mlflow.trace_retention import Retention, milliseconds
from shared.runtime.settings import PostgresServiceSettings
from shared.serving.postgres import PostgresService

PORTIONS = replace(
    TRACKING, single={**TRACKING.single, PurgeDeleted: partial(purge_deleted, max_rows=20)}
)
"""Tracking's handlers, with purges that take many commands."""


TRACES = traces_handlers(Retention(milliseconds("30d")))
"""Those of a service that keeps traces for a month."""


class Warren:
    """Tracking and artifacts on the bus, without a gateway."""

    def __init__(self, url: str, bus: BusClient, store: MinioStore) -> None:
        self.url = url
        self.bus = bus
        self.store = store

    async def call(self, name, /, service="tracking", **fields):
        contract = {**TRACKING.messages, **TRACES.messages}[name]
        payload = json.dumps(fields).encode()
        envelope = Envelope(new_id(), name, ROOT_PROJECT, payload, time.time() + 20)
        answer = await self.bus.call(service, contract.kind, envelope)
        assert answer.error is None, answer
        return json.loads(answer.body)

    async def gc(self, *arguments):
        """Start ``warren gc``."""
        return await self.command("gc", *arguments)

    async def command(self, *arguments):
        """Start ``warren``."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "cli", *arguments),
            env={**os.environ, "WARREN_AMQP_URL": self.url},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def collected(self, *arguments):
        """Run ``warren gc`` to its end; return its exit code and what it said."""
        process = await self.gc(*arguments)
        _, said = await process.communicate()
        return process.returncode, said.decode()

    async def run_with_artifact(self, points: int, experiment_id: str = "0"):
        """Log a run with an artifact; return its id and where the artifact is."""
        info = (await self.call("CreateRun", experiment_id=experiment_id))["run"]["info"]
        metrics = [
            {"key": f"k{n % 10}", "value": n, "timestamp": 1, "step": n} for n in range(points)
        ]
        await self.call("LogBatch", run_id=info["run_id"], metrics=metrics)
        key = file_key(f"{proxied_root(info['artifact_uri'])}/file", 1)
        self.store._client.put_object(self.store._bucket, key, io.BytesIO(b"x"), 1)
        return info["run_id"], key

    async def names(self, directory: str):
        return {entry.name for entry in (await self.store.page(directory)).entries}


@pytest.fixture
async def warren(amqp_vhost_url, database_dsn, storage):
    connect = partial(AmqpTransport, amqp_vhost_url, services=["tracking", "traces"])
    artifacts = AmqpTransport(amqp_vhost_url, party="artifacts", services=["artifacts"])
    async with AsyncExitStack() as running:
        settings = PostgresServiceSettings(dsn=database_dsn)
        tracking = await PostgresService.start(
            "tracking", settings, PORTIONS, partial(connect, party="tracking")
        )
        running.push_async_callback(tracking.close)
        storing = await ArtifactsService.start(storage, 1000, artifacts)
        running.push_async_callback(storing.close)
        bus = BusClient(connect(party="gateway"))
        await bus.start()
        running.push_async_callback(bus.close)
        store = MinioStore(storage)
        running.callback(store.close)
        yield Warren(amqp_vhost_url, bus, store)


@pytest.fixture
async def traces(warren, database_dsn):
    """The traces service beside it. Its housekeeping does nothing."""
    connect = partial(AmqpTransport, warren.url, party="traces", services=["traces", "tracking"])
    settings = PostgresServiceSettings(dsn=database_dsn)
    handlers = replace(TRACES, background={})
    service = await PostgresService.start("traces", settings, handlers, connect)
    yield service
    await service.close()


@pytest.fixture
async def access(warren, database_dsn):
    """The access service beside it, which knows the paths of projects."""
    await ensure_root_token(database_dsn)
    connect = partial(AmqpTransport, warren.url, party=SCHEMA, services=[SCHEMA])
    settings = PostgresServiceSettings(dsn=database_dsn)
    service = await PostgresService.start(SCHEMA, settings, ACCESS, connect)
    yield service
    await service.close()
