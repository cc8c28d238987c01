"""RabbitMQ's accounts of the parties, as a document of definitions, which a node loads and its API takes.

There is one document for all ways to run: an embedded node reads it when it starts, provisioning sends
it to the management API elsewhere. Loading it again changes passwords and rights, and nothing else.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from shared.messaging import topology
from shared.messaging.permissions import permissions

ADMINISTRATOR = "administrator"
"""RabbitMQ's tag of who may use its management API for everything."""

Definitions = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Account:
    """What a party logs in with."""

    user: str
    password: str = field(repr=False)


def account_of(url: str) -> tuple[Account, str]:
    """Read an account, and its virtual host, from an address. Raises ValueError, without the password in it."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user and password):
        message = "An address of RabbitMQ must name a user and a password."
        raise ValueError(message)
    return Account(user, password), unquote(parts.path.removeprefix("/")) or "/"


def definitions(
    administrator: Account,
    accounts: Mapping[str, Account],
    vhost: str = "/",
    layout: topology.Layout = topology.LAYOUT,
) -> Definitions:
    """Return the definitions of the accounts, by party, with their rights in a virtual host.

    The ``administrator`` may do everything there, and so declare the topology.
    """
    everything = dict.fromkeys(("configure", "write", "read"), ".*")
    rights = {administrator.user: everything} | {
        account.user: asdict(permissions(party, layout)) for party, account in accounts.items()
    }
    return {
        "users": [
            _user(administrator, ADMINISTRATOR),
            *(_user(account) for account in accounts.values()),
        ],
        "vhosts": [{"name": vhost}],
        "permissions": [{"user": user, "vhost": vhost, **may} for user, may in rights.items()],
    }


def _user(account: Account, *tags: str) -> dict[str, Any]:
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + account.password.encode()).digest()
    return {
        "name": account.user,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ",".join(tags),
    }
