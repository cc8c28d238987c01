"""A revocation on RabbitMQ: every gateway hears of it."""

import json
import time
from contextlib import AsyncExitStack
from functools import partial

import pytest

from services.access.bootstrap import SCHEMA, ensure_root_token
from services.access.handlers import HANDLERS
from services.gateway.auth.authorizations import TOPICS, Authorizations
from services.gateway.auth.permissions import READ_ARTIFACTS
from services.gateway.auth.refusals import AccessRefused
from shared.contracts.token_digests import digest_of
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.messages import Envelope, new_id
from shared.postgres import outbox
from shared.runtime.settings import PostgresServiceSettings
from shared.serving.postgres import PostgresService
from tests.integration.access.conftest import ROOT_TOKEN, SOON, until

DIGEST = digest_of(ROOT_TOKEN)


@pytest.fixture
async def gateways(database_dsn, amqp_vhost_url, monkeypatch):
    """Two gateways' clients of the bus and what they remember, beside the access service.

    The service publishes what it tells at once: nobody waits for its next look into the outbox.
    """
    monkeypatch.setattr(outbox, "RELAY_INTERVAL", 60)
    await ensure_root_token(database_dsn, ROOT_TOKEN)
    connect = partial(AmqpTransport, amqp_vhost_url, services=[SCHEMA])
    async with AsyncExitStack() as running:
        settings = PostgresServiceSettings(dsn=database_dsn)
        service = await PostgresService.start(
            SCHEMA, settings, HANDLERS, partial(connect, party=SCHEMA)
        )
        running.push_async_callback(service.close)
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
        (await known.grant(DIGEST, "")).check(READ_ARTIFACTS)
    bus, _ = gateways[0]
    payload = json.dumps({"token_id": "self", "own_digest": DIGEST}).encode()
    command = Envelope(new_id(), "RevokeToken", 1, payload, time.time() + 30, user_id=1)
    assert (await bus.call(SCHEMA, "commands", command)).error is None
    for _, known in gateways:

        async def out(known=known):
            try:
                (await known.grant(DIGEST, "")).check(READ_ARTIFACTS)
            except AccessRefused as refused:
                return refused.reason == "revoked"
            return False

        assert await until(out) < SOON
