"""The parties' accounts at RabbitMQ, as a document of definitions.

Every way to run Warren uses this one document. An embedded node reads it at its start. Elsewhere
provisioning sends it to the management API. Loading it again changes passwords and permissions only.
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
"""RabbitMQ's tag for a user with full access to the management API."""

Definitions = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Account:
    """A party's login."""

    user: str
    password: str = field(repr=False)


def account_of(url: str) -> tuple[Account, str]:
    """Return the account and the virtual host of an address. Raises ValueError, whose text holds no password."""
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
    """Return the definitions of all accounts and of their permissions in a virtual host.

    ``accounts`` maps a party to its account. The ``administrator`` has every permission there, so it can
    declare the topology.
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
    # RabbitMQ's own format: a salt of four bytes, followed by SHA-256 of the salt and the password.
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + account.password.encode()).digest()
    return {
        "name": account.user,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ",".join(tags),
    }
