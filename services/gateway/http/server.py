"""Runs the application on a socket, and shuts it down without breaking requests off."""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp.web import (
    BaseRequest,
    RequestHandler,
    Server,
    ServerRunner,
    StreamResponse,
    TCPSite,
)

from services.gateway.app import App
from services.gateway.http.forward import internal_error_response, malformed_response
from services.gateway.http.requests import read_request_id
from services.gateway.http.tls import server_context
from services.gateway.mlflow.routes import dialect_of
from services.gateway.settings import Settings
from shared.messaging.messages import new_id
from shared.runtime.listening import listening
from shared.runtime.server_header import hide_versions
from shared.runtime.settings import PREFIX

BACKLOG = 1024
CLOSE_DELAY_SECONDS = 0.5
"""Active connections get an answer with ``Connection: close`` in this time. Then idle ones are closed."""
CLOSE_DELAY_POLLS = 50
"""How often the server looks in this time whether all connections are closed."""

MAX_LINE_BYTES = 65_536
MAX_FIELD_BYTES = 8190
MAX_HEADERS = 128
"""The limits of a request line, of one header field and of the number of headers. Beyond them the answer is 400.

A request line may be as long as in MLflow's server, because queries list hundreds of runs in it.
"""


class _Connection(RequestHandler):
    """A connection that answers protocol errors in the dialect's form, and closes if no request arrives.

    aiohttp limits the time between two requests. This class limits the time before the first
    request, with a setting of its own.
    """

    __slots__ = ("_first_request", "_header_timeout")

    def __init__(self, *arguments: Any, header_timeout: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_timeout = header_timeout
        self._first_request: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timer for the first request."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._first_request = loop.call_later(self._header_timeout, self._close_unused)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the timer."""
        if self._first_request is not None:
            self._first_request.cancel()
        super().connection_lost(exc)

    def _close_unused(self) -> None:
        if not self._request_count:
            self.force_close()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """Return the answer for an error of the HTTP parser, or for an exception that no handler has caught."""
        request_id = read_request_id(request.headers, new_id().hex)
        dialect = dialect_of(request)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return malformed_response(request, request_id, message or exc or "unreadable", dialect)
        if isinstance(exc, ConnectionError):
            raise exc  # The client has gone. aiohttp closes the connection without logging an error.
        response = internal_error_response(request, request_id, exc, dialect)
        # After the first byte of an answer, its status can't change: only a broken connection shows the error.
        if request.writer.output_size > 0:
            message = "An answer was begun already: all that is left is to break it off."
            raise ConnectionError(message) from exc
        response.force_close()
        return response


class HttpServer(Server):
    """aiohttp's server with the gateway's connections and its limit on bodies."""

    def __init__(self, app: App, settings: Settings) -> None:
        loop = asyncio.get_running_loop()
        request = partial(BaseRequest, loop=loop, client_max_size=settings.max_body_bytes)
        super().__init__(app, request_factory=request)
        self._options: dict[str, Any] = {
            # The access log is off: formatting a line costs as much as the request itself.
            "access_log": None,
            # The handlers inflate bodies themselves: services/gateway/http/content_encoding.py.
            "auto_decompress": False,
            "header_timeout": settings.http.header_timeout,
            "keepalive_timeout": settings.http.keepalive_timeout,
            "max_line_size": MAX_LINE_BYTES,
            "max_field_size": MAX_FIELD_BYTES,
            "max_headers": MAX_HEADERS,
        }

    def __call__(self) -> RequestHandler:
        """Return the protocol object of a new connection."""
        return _Connection(self, loop=self._loop, **self._options)


class RunningServer:
    """A listening server. ``port`` is the actual port, also if the settings say 0."""

    def __init__(self, app: App, server: HttpServer, runner: ServerRunner) -> None:
        self._app = app
        self._server = server
        self._runner = runner
        self.port: int = runner.addresses[0][1]

    async def close(self) -> None:
        """Stop accepting connections, finish the requests under way, then close all connections."""
        self._app.draining = True
        for site in list(self._runner.sites):
            await site.stop()
        # A client whose kept-alive connection is closed while it sends a request sees an error. With this
        # delay, active clients learn from an answer that the connection closes.
        for _ in range(CLOSE_DELAY_POLLS):
            if not self._server.connections:
                break
            await asyncio.sleep(CLOSE_DELAY_SECONDS / CLOSE_DELAY_POLLS)
        await self._runner.cleanup()
        await self._app.close()


async def serve(app: App, settings: Settings) -> RunningServer:
    """Start to listen, and return once connections are accepted. Raises StartError if the port is taken."""
    hide_versions()
    server = HttpServer(app, settings)
    runner = ServerRunner(server, shutdown_timeout=settings.drain_timeout)
    await runner.setup()
    site = TCPSite(
        runner,
        settings.host,
        settings.port,
        backlog=BACKLOG,
        reuse_port=settings.reuse_port,
        ssl_context=server_context(settings.http),
    )
    with listening(settings.host, settings.port, PREFIX):
        await site.start()
    return RunningServer(app, server, runner)
