"""What only a connection to RabbitMQ can suffer from."""

import asyncio

from shared.messaging import amqp, client
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.declarations import ensure
from shared.runtime.tasks import AGAIN_SECONDS
from tests.integration.messaging import toy


async def test_a_connection_whose_setup_is_not_answered_is_made_anew(amqp_vhost_url, monkeypatch):
    tries = []

    async def stall_first(*arguments):
        tries.append(arguments)
        if len(tries) == 1:
            await asyncio.Event().wait()
        await ensure(*arguments)

    monkeypatch.setattr(amqp, "ensure", stall_first)
    monkeypatch.setattr(amqp, "SETUP_SECONDS", 1)
    transport = AmqpTransport(amqp_vhost_url, party="toy", services=["toy"], layout=toy.LAYOUT)
    async with asyncio.timeout(15):
        await transport.start()
    assert transport.ready
    assert len(tries) > 1
    await transport.close()


async def test_a_client_that_is_closed_in_the_middle_of_a_probe_leaves_at_once(
    amqp_vhost_url, monkeypatch
):
    """aio-pika then loses the cancellation, in one of three cases or so."""
    monkeypatch.setattr(client, "PROBE_INTERVAL", 0)
    for number in range(12):
        probing = BusClient(
            AmqpTransport(amqp_vhost_url, party="toy", services=["toy"], layout=toy.LAYOUT)
        )
        await probing.start()
        assert not await probing.has_consumer("toy", "queries")
        await asyncio.sleep(number * 0.003)
        async with asyncio.timeout(AGAIN_SECONDS - 1):
            await probing.close()
