"""Runs the application on a socket, and leaves without cutting off anybody."""

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web import (
    BaseRequest,
    RequestHandler,
    Server,
    ServerRunner,
    StreamResponse,
    TCPSite,
)

from services.gateway.app import App
from services.gateway.forward import failed, malformed
from services.gateway.mounts import dialect_of
from services.gateway.requests import read_request_id
from services.gateway.settings import Settings
from shared.bus.messages import new_id

BACKLOG = 1024
FAREWELL_SECONDS = 0.5
"""How long busy connections get to be told ``Connection: close`` before idle ones are cut."""
FAREWELL_LOOKS = 50


class _Connection(RequestHandler):
    """A connection whose protocol errors are in the dialect's envelope too."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """Answer what the HTTP parser refused, or an exception that no handler caught."""
        request_id = read_request_id(request.headers, new_id().hex)
        dialect = dialect_of(request)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return malformed(request, request_id, message or exc or "unreadable", dialect)
        if isinstance(exc, ConnectionError):
            raise exc  # The client has gone: aiohttp closes the connection and says nothing.
        response = failed(request, request_id, exc, dialect)
        if request.writer.output_size > 0:
            message = "An answer was begun already: all that is left is to break it off."
            raise ConnectionError(message) from exc
        response.force_close()
        return response


class HttpServer(Server):
    """aiohttp's server with our connections and our limit on bodies."""

    def __init__(self, app: App, settings: Settings) -> None:
        super().__init__(app, request_factory=self._request)
        self._max_body_bytes = settings.max_body_bytes
        # The access log is off: formatting a line costs as much as the request itself.
        self._options: dict[str, Any] = {"access_log": None}

    def __call__(self) -> RequestHandler:
        """Make the protocol of one new connection."""
        return _Connection(self, loop=self._loop, **self._options)

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> BaseRequest:
        return BaseRequest(
            message,
            payload,
            protocol,
            writer,
            task,
            self._loop,
            client_max_size=self._max_body_bytes,
        )


class RunningServer:
    """A listening server; ``port`` is the real one, also when the settings said 0."""

    def __init__(self, app: App, server: HttpServer, runner: ServerRunner) -> None:
        self._app = app
        self._server = server
        self._runner = runner
        self.port: int = runner.addresses[0][1]

    async def close(self) -> None:
        """Stop accepting, finish the requests under way, close the connections."""
        self._app.draining = True
        for site in list(self._runner.sites):
            await site.stop()
        for _ in range(FAREWELL_LOOKS):
            if not self._server.connections:
                break
            await asyncio.sleep(FAREWELL_SECONDS / FAREWELL_LOOKS)
        await self._runner.cleanup()
        await self._app.close()


async def serve(app: App, settings: Settings) -> RunningServer:
    """Listen; returns when connections are accepted. Raises OSError if the port is taken."""
    server = HttpServer(app, settings)
    runner = ServerRunner(server, shutdown_timeout=settings.drain_timeout)
    await runner.setup()
    site = TCPSite(
        runner,
        settings.host,
        settings.port,
        backlog=BACKLOG,
        reuse_port=settings.reuse_port,
    )
    await site.start()
    return RunningServer(app, server, runner)
