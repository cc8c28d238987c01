import asyncio
from pathlib import Path

import aio_pika
from pamqp.common import FieldTable

from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from tests.processes import open_to_others, opened

QUORUM: FieldTable = {"x-queue-type": "quorum"}
KEPT = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)


async def test_each_virtual_host_is_empty_and_usable(amqp_vhost_url):
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("q", durable=True, arguments=QUORUM)
        await channel.default_exchange.publish(KEPT, "q")
        message = await queue.get()
        await message.ack()
        assert message.body == b"kept"


async def test_a_second_virtual_host_does_not_see_the_first_ones_queue(amqp_vhost_url):
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("q", durable=True, arguments=QUORUM)
        assert await queue.get(fail=False) is None


async def test_messages_survive_a_crash_at_the_same_address_and_are_closed(open_directory):
    async with EmbeddedRabbitMQ(open_directory / "mq") as node:
        url = node.url
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            await channel.declare_queue("q", durable=True, arguments=QUORUM)
            await channel.default_exchange.publish(KEPT, "q")
            # RabbitMQ 3.10 writes down that a quorum queue exists some time after declaring it.
            await asyncio.sleep(1.5)
        await node.kill()
        opened(open_directory / "mq")
        await node.start()
        assert node.url == url
        assert not open_to_others(open_directory / "mq")
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("q", passive=True)
            assert (await queue.get(timeout=20)).body == b"kept"


async def test_stopping_leaves_no_process(open_directory):
    async with EmbeddedRabbitMQ(open_directory / "mq") as node:
        assert processes_of(open_directory)
        assert (open_directory / "mq/password").stat().st_mode & 0o777 == 0o600
        assert node.pid
    assert not processes_of(open_directory)


def processes_of(directory: Path) -> list[str]:
    """Find processes whose HOME is the node's; Erlang's helpers inherit it too."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={directory}".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found
