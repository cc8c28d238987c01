"""Any value of any header, on each kind of route, gets an answer below 500 with an error that a client can read."""

import asyncio
import json
import re
from itertools import cycle

import pytest

from services.gateway.http.routing import plain
from shared.messaging.messages import Answer
from tests.unit.gateway.artifacts.fake_storage import FakeStorage, presigning

VALUES = [
    b"",
    b"x",
    b"-1",
    b"0x10",
    b"9" * 40,
    b",",
    b'"',
    b"*",
    b";q=1;;",
    b"\xff\xfe",
    b"\xc3\xa4",
    b"\xed\xa0\x80",
    b"a=b; c=\\",
    b"%00%ff",
    b"(" * 200,
    b"x" * 8000,
]

READ_BY_THE_SERVER = {
    "Content-Length": [b"", b"x", b"-1", b"+5", b"9" * 40, b"5, 5", b"\xff"],
    "Transfer-Encoding": [b"", b"x", b"gzip", b"chunked, gzip", b"identity", b"chunked, chunked"],
    "Connection": VALUES,
    "Host": VALUES,
    "Upgrade": VALUES,
}
"""Headers that decide where a request ends: the connection may be closed after the answer."""

READ_BY_HANDLERS = (
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Cookie",
    "Expect",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Origin",
    "PRIVATE-TOKEN",
    "Range",
    "Traceparent",
    "X-Forwarded-For",
    "X-MLFLOW-WORKSPACE",
    "X-Request-Id",
)

REPLY = {
    "items": [],
    "workspaces": [],
    "sessions": [],
    "total": 0,
    "page": 1,
    "per_page": 20,
    "id": 1,
    "token": {},
    "run": {"info": {"artifact_uri": "mlflow-artifacts:/1/0/run/artifacts"}},
    "model": {"info": {"artifact_uri": "mlflow-artifacts:/1/0/run/artifacts"}},
    "model_version": {"name": "m", "version": "1", "run_id": "r"},
    "artifact_uri": "mlflow-artifacts:/1/0/run/artifacts",
}


@pytest.fixture
async def storage(bus):
    server = FakeStorage()
    await server.start()
    presigning(bus, server)
    server.objects["/1"] = server.objects["/1/0/run/artifacts/1"] = b"content"
    yield server
    await server.stop()


@pytest.fixture
async def gateway(gateways, bus, storage, default_settings):
    """The application, and the port at which it is served."""
    bus.reply = Answer(json.dumps(REPLY).encode())
    own = {"access_mode": "open", "max_body_bytes": 100_000}
    server = await gateways.enter(bus, default_settings.model_copy(update=own))
    return server._app, server.port


def routes(app):
    """Yield each method and path, with values in its variable parts."""
    for prefix, table in (("", app.routes), ("/api/v4/projects/1", app.of_project)):
        for path, methods in (*table.fixed.items(), *_templated(table)):
            if path.startswith(("/api/3.0", "/ajax-api")):
                continue  # The same handlers under other prefixes.
            for method in methods:
                yield method, prefix + re.sub(r"\{\w+\}", "1", plain(path))


def _templated(table):
    return [(path, template.methods) for path, template in table._templates.items()]


async def ask(port, head):
    """Send a request as it is, on a connection of its own; return the status, 0 for none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    async with asyncio.timeout(20):
        try:
            line = await reader.readline()
        except ConnectionError:
            return 0
        finally:
            writer.close()
    return int(line.split()[1]) if line else 0


class Connection:
    """Sends requests one after the other. It connects again where the connection has been closed."""

    def __init__(self, port):
        self._port = port
        self._writer = None

    async def status(self, method, path, name, value):
        """Return the status of a request with this header, 0 for none."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        body = b"" if method in {"GET", "HEAD"} else b"Content-Length: 2\r\n\r\n{}"
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{name}: ".encode()
        self._writer.write(head + value + b"\r\n" + (body or b"\r\n"))
        try:
            async with asyncio.timeout(20):
                return await self._answer(method)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            return 0

    async def _answer(self, method):
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head.split(maxsplit=2)[1])
        size = re.search(rb"\r\ncontent-length: (\d+)\r\n", head.lower())
        if method != "HEAD" and status not in {204, 304}:
            if size:
                await self._reader.readexactly(int(size[1]))
            else:
                self.close()
        if b"\r\nconnection: close\r\n" in head.lower():
            self.close()
        return status

    def close(self):
        """Close the connection; the next request opens another one."""
        if self._writer:
            self._writer.close()
        self._writer = None


@pytest.mark.parametrize("name", READ_BY_HANDLERS)
async def test_no_value_of_a_header_is_an_error_of_the_servers(gateway, name):
    app, port = gateway
    # Each route gets one of the values, each value many of the routes.
    requests = [(*route, value) for route, value in zip(routes(app), cycle(VALUES), strict=False)]
    assert len(requests) > 10 * len(VALUES)
    connection = Connection(port)
    answers = [
        (method, path, value, await connection.status(method, path, name, value))
        for method, path, value in requests
    ]
    connection.close()
    # 501 is the answer to direct transfers where they are off, whatever the headers say.
    assert [
        (method, path, value, status)
        for method, path, value, status in answers
        if not 200 <= status < 500 and not (status == 501 and "/presigned/" in path)
    ] == []


@pytest.mark.parametrize("name", READ_BY_THE_SERVER)
async def test_no_value_of_a_header_that_frames_requests_is_an_error_of_the_servers(gateway, name):
    _, port = gateway
    failed = []
    for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
        for path in ("/", "/api/2.0/mlflow/runs/search", "/api/2.0/mlflow-artifacts/artifacts/1"):
            for value in READ_BY_THE_SERVER[name]:
                host = "" if name == "Host" else "Host: localhost\r\n"
                head = f"{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{name}: "
                status = await ask(port, head.encode() + value + b"\r\n\r\n")
                if status >= 500:
                    failed.append((method, path, value, status))
    assert not failed
