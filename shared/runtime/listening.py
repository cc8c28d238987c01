"""Explains why a process can't listen on an address, and names the setting to change."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from shared.runtime.settings import PREFIX
from shared.runtime.starting import StartError, reason_of


@contextmanager
def listening(host: str, port: int, prefix: str) -> Iterator[None]:
    """Turn a listener's error into a StartError that names its settings, ``<prefix>HOST`` or ``<prefix>PORT``."""
    try:
        yield
    except OSError as error:
        raise StartError(_explanation(error, f"{host}:{port}", prefix)) from error


def refuse_taken_port(host: str, port: int) -> None:
    """Check before a long start that the port is free. Raises StartError."""
    with (
        listening(host, port, PREFIX),
        socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe,
    ):
        # As the real listener does: without it a port that was closed a minute ago counts as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _explanation(error: OSError, address: str, prefix: str) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{address} is no address of this machine; {prefix}HOST names another"
    if error.errno == errno.EADDRINUSE:
        return f"{address} is in use by another program; {prefix}PORT names another port"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{address} is not for this user; {prefix}PORT names a port above 1023"
    # asyncio replaces the error's text by one with the address. The error number still gives the reason.
    reason = os.strerror(error.errno) if error.errno else reason_of(error)
    return f"{address} can't be listened on ({reason}); {prefix}HOST and {prefix}PORT name another"
