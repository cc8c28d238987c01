"""Checks the addresses in settings before a library reads them.

A ``/`` or ``#`` in a password must be percent-encoded. Otherwise the host ends too early, and asyncpg's
error message quotes a part of the password. So invalid addresses are refused here, with an error that
quotes nothing.
"""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator

_HOST = re.compile(r"(\[[\w:.%]+\]|[^\[\]:/@]*)(:\d{0,5})?")


def _of_schemes(*schemes: str) -> Callable[[str], str]:
    message = (
        f"Expected an address that begins with {' or '.join(f'{each}://' for each in schemes)}; "
        "special characters of a password are percent-encoded, as %2F for / and %40 for @."
    )

    def check(address: str) -> str:
        if address and not _is_valid(address, schemes):
            raise ValueError(message)
        return address

    return check


def each_host(address: str) -> list[str]:
    """Return one address for each host of an address such as ``amqp://user@a:5672,b:5672/``."""
    parts = urlsplit(address)
    user, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{user}{at}{host}")) for host in hosts.split(",")]


def _is_valid(address: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    # Addresses of PostgreSQL and of RabbitMQ may name several hosts.
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return (
        parts.scheme in schemes
        and not parts.fragment
        and all(_HOST.fullmatch(each) for each in hosts)
    )


def each_dsn(addresses: str) -> list[str]:
    """Return the addresses of a list; each may name several hosts, with commas between them, too."""
    parts = re.split(r",(?=\s*postgres(?:ql)?://)", addresses)
    return [each.strip() for each in parts if each.strip()]


def _check_each(addresses: str) -> str:
    for each in each_dsn(addresses):
        _postgres(each)
    return addresses


_postgres = _of_schemes("postgresql", "postgres")

PostgresDsn = Annotated[str, AfterValidator(_postgres)]
PostgresDsns = Annotated[str, AfterValidator(_check_each)]
AmqpUrl = Annotated[str, AfterValidator(_of_schemes("amqp", "amqps"))]
