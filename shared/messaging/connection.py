"""Connections to RabbitMQ: to any of the nodes that an address names."""

import random
from urllib.parse import urlsplit

import aio_pika
import aiormq
import structlog
from aio_pika.abc import AbstractConnection

from shared.runtime.addresses import each_host

log = structlog.get_logger()

HEARTBEAT = 20

LOST = (
    aiormq.exceptions.AMQPError,
    aio_pika.exceptions.AMQPException,
    ConnectionError,
    OSError,
    TimeoutError,
    RuntimeError,
    StopAsyncIteration,
)
"""What aiormq raises for a connection that ends; the last one if it ends within the handshake."""


async def connect(url: str, *, name: str, seconds: float) -> AbstractConnection:
    """Connect to one of the nodes that ``url`` names, tried in any order.

    That order spreads processes over a cluster. Each node has so many ``seconds`` to answer. Raises one
    of LOST, that of the last node, if none answers.
    """
    nodes = each_host(url)
    *others, last = random.sample(nodes, len(nodes))
    for node in others:
        try:
            return await _connect(node, name, seconds)
        except LOST as error:
            host = urlsplit(node).netloc.rpartition("@")[2]
            log.warning("broker_node_unreachable", host=host, error=repr(error))
    return await _connect(last, name, seconds)


async def _connect(url: str, name: str, seconds: float) -> AbstractConnection:
    return await aio_pika.connect(
        url, client_properties={"connection_name": name}, heartbeat=HEARTBEAT, timeout=seconds
    )
