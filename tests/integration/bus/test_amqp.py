"""What only a connection to RabbitMQ can suffer from."""

import asyncio

from shared.bus import amqp
from shared.bus.amqp import AmqpTransport


async def test_a_connection_whose_setup_is_not_answered_is_made_anew(amqp_vhost_url, monkeypatch):
    declare = amqp.declare
    tries = []

    async def stall_first(*arguments):
        tries.append(arguments)
        if len(tries) == 1:
            await asyncio.Event().wait()
        await declare(*arguments)

    monkeypatch.setattr(amqp, "declare", stall_first)
    monkeypatch.setattr(amqp, "SETUP_SECONDS", 1)
    transport = AmqpTransport(amqp_vhost_url, name="test", services=["toy"])
    async with asyncio.timeout(15):
        await transport.start()
    assert transport.ready
    assert len(tries) > 1
    await transport.close()
