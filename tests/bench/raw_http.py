"""PUT and GET of large bodies on bare sockets: a client that costs the server's processor little."""

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

_BUFFER_BYTES = 1024 * 1024
_TIMEOUT_SECONDS = 600.0


def upload(url: str, file: Path) -> float:
    """Send a file and return the seconds until the answer."""
    size = file.stat().st_size
    began = time.monotonic()
    with _request(url, "PUT", f"Content-Length: {size}\r\n") as connection, file.open("rb") as body:
        connection.sendfile(body)
        _check(connection.recv(_BUFFER_BYTES))
    return time.monotonic() - began


def download(url: str, size: int) -> float:
    """Read a body of ``size`` bytes to its end, and return the seconds that it took."""
    buffer = bytearray(_BUFFER_BYTES)
    received, head = 0, True
    began = time.monotonic()
    with _request(url, "GET", "") as connection:
        while count := connection.recv_into(buffer):
            if head:
                _check(bytes(buffer[:count]))
                received -= buffer[:count].index(b"\r\n\r\n") + 4
                head = False
            received += count
    # The server closes the connection in the end; what came in chunks is a little longer.
    if received < size:
        message = f"{received} bytes instead of {size}"
        raise RuntimeError(message)
    return time.monotonic() - began


def _request(url: str, method: str, headers: str) -> socket.socket:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection = socket.create_connection((parts.hostname, parts.port), _TIMEOUT_SECONDS)
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n{headers}\r\n"
    )
    connection.sendall(head.encode())
    return connection


def _check(answer: bytes) -> None:
    if b" 200 " not in answer.partition(b"\r\n")[0]:
        message = answer.decode(errors="replace")
        raise RuntimeError(message)
