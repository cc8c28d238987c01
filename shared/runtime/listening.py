"""An address to listen on that is taken, forbidden or none of this machine's: which setting names another."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from shared.runtime.settings import PREFIX
from shared.runtime.starting import StartError, sentence


@contextmanager
def listening(host: str, port: int, prefix: str) -> Iterator[None]:
    """Turn the error of a listener into a StartError; ``<prefix>HOST`` and ``<prefix>PORT`` are its settings."""
    try:
        yield
    except OSError as error:
        raise StartError(_explanation(error, f"{host}:{port}", prefix)) from error


def refuse_taken_port(host: str, port: int) -> None:
    """Notice before a long start that its port is not to be had. Raises StartError."""
    with (
        listening(host, port, PREFIX),
        socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe,
    ):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _explanation(error: OSError, address: str, prefix: str) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{address} is no address of this machine; {prefix}HOST names another"
    if error.errno == errno.EADDRINUSE:
        return f"{address} is in use by another program; {prefix}PORT names another port"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{address} is not for this user; {prefix}PORT names a port above 1023"
    # asyncio puts the address into the error's text; the number alone has the reason.
    reason = os.strerror(error.errno) if error.errno else sentence(error)
    return f"{address} can't be listened on ({reason}); {prefix}HOST and {prefix}PORT name another"
