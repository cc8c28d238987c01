import aio_pika


async def test_each_virtual_host_is_empty_and_usable(amqp_vhost_url):
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("q", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"kept"), "q")
        message = await queue.get()
        await message.ack()
        assert message.body == b"kept"


async def test_a_second_virtual_host_does_not_see_the_first_ones_queue(amqp_vhost_url):
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("q", durable=True, arguments={"x-queue-type": "quorum"})
        assert await queue.get(fail=False) is None
