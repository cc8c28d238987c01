"""Shares the event loop between the spans of all OTLP requests, and everything else that the gateway does."""

import asyncio

from services.gateway.otlp.commands import Prepared, prepare
from services.gateway.otlp.prices import Prices
from services.gateway.otlp.requests import Received

LARGE = 64 * 1024
"""Bytes from which a span is read in a thread. The event loop reads smaller ones faster than a thread would."""


class Turns:
    """Reads one span in a turn of the event loop, however many requests have spans to read.

    Reading a span never waits for anything. Were each request to read one in every turn, the logged metric of a
    training would wait for a span of each of them, several times on its way.
    """

    def __init__(self) -> None:
        self._reading = asyncio.Lock()

    async def read(self, received: Received, prices: Prices) -> Prepared:
        """Return a span as it is sent. Raises SpanRefusedError."""
        if received.size >= LARGE:
            return await asyncio.to_thread(prepare, received, prices)
        async with self._reading:
            try:
                return prepare(received, prices)
            finally:
                await asyncio.sleep(0)
