"""Faults that only a connection to RabbitMQ has."""

import asyncio

from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.runtime.tasks import AGAIN_SECONDS
from tests.integration.messaging import toy


async def test_a_connection_whose_setup_is_not_answered_is_made_anew(amqp_vhost_url):
    class StallingFirst(AmqpTransport):
        tries = 0

        async def _open(self, connection):
            self.tries += 1
            if self.tries == 1:
                await asyncio.Event().wait()
            await super()._open(connection)

    transport = StallingFirst(
        amqp_vhost_url, party="toy", services=["toy"], layout=toy.LAYOUT, setup_seconds=2
    )
    async with asyncio.timeout(25):
        await transport.start()
    assert transport.ready
    assert transport.tries > 1
    await transport.close()


async def test_a_client_that_is_closed_in_the_middle_of_a_probe_leaves_at_once(amqp_vhost_url):
    """aio-pika then loses the cancellation, in one of three cases or so."""
    for number in range(12):
        probing = BusClient(
            AmqpTransport(amqp_vhost_url, party="toy", services=["toy"], layout=toy.LAYOUT),
            probe_interval=0,
        )
        await probing.start()
        assert not await probing.has_consumer("toy", "queries")
        await asyncio.sleep(number * 0.003)
        async with asyncio.timeout(AGAIN_SECONDS - 1):
            await probing.close()
