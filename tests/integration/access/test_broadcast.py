"""A revocation on RabbitMQ: every gateway hears of it."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from functools import partial

import pytest

from services.access.bootstrap import SCHEMA, ensure_root_token
from services.access.handlers import HANDLERS
from services.gateway.auth.authorizations import TOPICS, Authorizations, Key
from services.gateway.auth.permissions import READ_ARTIFACTS
from services.gateway.auth.refusals import AccessRefused
from shared.contracts.token_digests import digest_of
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.messages import Envelope, new_id
from shared.messaging.worker import Worker
from shared.postgres import outbox
from shared.postgres.executor import Executor
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.pool import open_pool
from shared.runtime.tasks import cancel_and_wait
from tests.integration.access.conftest import ROOT_TOKEN, SOON, until

DIGEST = digest_of(ROOT_TOKEN)


@pytest.fixture
async def gateways(database_dsn, amqp_vhost_url):
    """Two gateways' clients of the bus and what they remember, beside the access service.

    The service looks into its outbox once a minute: an event that arrives earlier was published at its commit.
    """
    await ensure_root_token(database_dsn, ROOT_TOKEN)
    connect = partial(AmqpTransport, amqp_vhost_url, services=[SCHEMA])
    async with AsyncExitStack() as running:
        await migrate(database_dsn, SCHEMA, service_migrations(SCHEMA))
        pool = await open_pool(database_dsn, schema=SCHEMA, size=4, application_name="test")
        running.push_async_callback(pool.close)
        transport = connect(party=SCHEMA)
        executor = Executor(pool, HANDLERS)
        worker = Worker(transport, SCHEMA, executor)
        await worker.start()
        running.push_async_callback(worker.drain)
        relay = asyncio.create_task(
            outbox.relay(pool, transport, executor.events_committed, interval=60)
        )
        running.push_async_callback(cancel_and_wait, [relay])
        made = []
        for _ in range(2):
            bus = BusClient(connect(party="gateway"))
            known = Authorizations(bus, opens_root=False)
            bus.subscribe(TOPICS, known.on_event, known.forget)
            await bus.start()
            running.push_async_callback(bus.close)
            made.append((bus, known))
        yield made


async def test_a_revoked_token_is_out_at_every_gateway(gateways):
    for _, known in gateways:
        (await known.grant(Key(DIGEST, ""))).check(READ_ARTIFACTS)
    bus, _ = gateways[0]
    payload = json.dumps({"token_id": "self", "own_digest": DIGEST}).encode()
    command = Envelope(new_id(), "RevokeToken", 1, payload, time.time() + 30, user_id=1)
    assert (await bus.call(SCHEMA, "commands", command)).error is None
    for _, known in gateways:

        async def out(known=known):
            try:
                (await known.grant(Key(DIGEST, ""))).check(READ_ARTIFACTS)
            except AccessRefused as refused:
                return refused.reason == "revoked"
            return False

        assert await until(out) < SOON
