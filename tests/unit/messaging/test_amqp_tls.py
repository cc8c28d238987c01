"""amqps: who is trusted, and with which certificate of ours."""

import asyncio
import ssl

import pytest

from shared.messaging.amqp import AmqpTransport
from tests.tls_server import TlsServer

GREETING = b"AMQP\x00\x00\x09\x01"


@pytest.fixture
def broker(tmp_path):
    return TlsServer(tmp_path)


async def connect(broker, query, seconds=10.0):
    """Try to connect for a while; return what the broker heard."""
    async with broker.listening() as port:
        url = f"amqps://u:p@127.0.0.1:{port}/{query}"
        transport = AmqpTransport(url, party="t", services=[])
        starting = asyncio.create_task(transport.start())
        try:
            async with asyncio.timeout(seconds):
                await broker.has_heard.wait()
        except TimeoutError:
            pass
        starting.cancel()
        await transport.close()
    return broker.heard


async def test_broker_of_a_known_authority_is_greeted(broker):
    assert (await connect(broker, f"?cafile={broker.ca}")).startswith(GREETING)


@pytest.mark.parametrize("query", ["", "?cafile={other}"])
async def test_broker_of_another_authority_hears_nothing(broker, query):
    assert await connect(broker, query.format(other=broker.other_ca), seconds=1) == b""


async def test_own_certificate_is_shown(broker):
    broker.context.verify_mode = ssl.CERT_REQUIRED
    files = f"cafile={broker.ca}&certfile={broker.client}&keyfile={broker.client}"
    assert (await connect(broker, f"?{files}")).startswith(GREETING)
    assert ("DNS", "warren") in broker.names[0]["subjectAltName"]
