"""Opens connections to RabbitMQ, to any node that an address names."""

import random
from urllib.parse import urlsplit

import aio_pika
import aiormq
import structlog

from shared.messaging.direct_connection import DirectConnection
from shared.runtime.addresses import each_host

log = structlog.get_logger()

HEARTBEAT = 20
"""Seconds."""

CONNECTION_ERRORS = (
    aiormq.exceptions.AMQPError,
    aio_pika.exceptions.AMQPException,
    ConnectionError,
    OSError,
    TimeoutError,
    RuntimeError,
    StopAsyncIteration,
)
"""The errors of aiormq and aio-pika for a lost connection. The last one: it was lost within the handshake."""


async def connect(url: str, *, name: str, seconds: float) -> DirectConnection:
    """Connect to one of the nodes that ``url`` names.

    The nodes are tried in random order, which spreads processes over a cluster. Each node has ``seconds``
    to answer. If none answers, the last node's error is raised, one of CONNECTION_ERRORS.
    """
    nodes = each_host(url)
    *others, last = random.sample(nodes, len(nodes))
    for node in others:
        try:
            return await _connect(node, name, seconds)
        except CONNECTION_ERRORS as error:
            host = urlsplit(node).netloc.rpartition("@")[2]
            log.warning("broker_node_unreachable", host=host, error=repr(error))
    return await _connect(last, name, seconds)


async def _connect(url: str, name: str, seconds: float) -> DirectConnection:
    return await aio_pika.connect(
        url,
        client_properties={"connection_name": name},
        heartbeat=HEARTBEAT,
        timeout=seconds,
        connection_class=DirectConnection,
    )
