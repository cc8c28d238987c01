"""A network that misbehaves on demand: a TCP proxy between a service and a server."""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit, urlunsplit

CHUNK = 64 * 1024


class Proxy:
    """Passes bytes on to one address; ``delay`` and ``bytes_per_second`` slow each direction down."""

    def __init__(self, url: str) -> None:
        """Stand in front of the server that a URL names."""
        self._target = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self.delay = 0.0
        self.bytes_per_second: float | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        self.cut()

    @property
    def url(self) -> str:
        """The server's URL, by way of this proxy."""
        assert self._server
        port = self._server.sockets[0].getsockname()[1]
        user, at, _ = self._target.netloc.rpartition("@")
        return urlunsplit(self._target._replace(netloc=f"{user}{at}127.0.0.1:{port}"))

    def stall(self) -> None:
        """Let nothing through, and close nothing: what a lost route looks like."""
        self._passing.clear()

    def go_on(self) -> None:
        """Let through again, what was held back first; at full speed."""
        self.delay = 0.0
        self.bytes_per_second = None
        self._passing.set()

    def cut(self) -> None:
        """Break every connection, in the middle of whatever it carries; new ones are served."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, there[1]}
        self._writers |= ends
        try:
            await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        finally:
            self._writers -= ends

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one direction; its end, or its failure, is the other's too, once all is delivered."""
        try:
            with suppress(OSError):
                while chunk := await reader.read(CHUNK):
                    if self.bytes_per_second:
                        await asyncio.sleep(len(chunk) / self.bytes_per_second)
                    if self.delay:
                        await asyncio.sleep(self.delay)
                    await self._passing.wait()
                    writer.write(chunk)
                    await writer.drain()
        finally:
            writer.close()
