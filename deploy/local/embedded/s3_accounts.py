"""The accounts of the embedded S3 server: the administrator, and the user of one bucket."""

import json
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.embedded.private import write_private

_RIGHTS = ("Read", "Write", "List")
"""The rights of a bucket's user: everything with its objects. The administrator alone has rights on the bucket itself,
its policy and its ACL, and on other buckets."""


@dataclass(frozen=True)
class Credentials:
    """The keys that sign requests."""

    access_key: str
    secret_key: str


def stored_credentials(file: Path) -> Credentials:
    """Return the keys in a file; the first call makes them."""
    with suppress(FileNotFoundError):
        return Credentials(**json.loads(file.read_text()))
    made = Credentials(secrets.token_hex(10), secrets.token_hex(20))
    write_private(file, json.dumps(asdict(made)))
    return made


def write_accounts(file: Path, administrator: Credentials, user: Credentials, bucket: str) -> None:
    """Write SeaweedFS's table of accounts. Without a bucket the administrator is the only one."""
    accounts = [_account("administrator", administrator, ["Admin"])]
    if bucket:
        accounts.append(_account("bucket-user", user, [f"{each}:{bucket}" for each in _RIGHTS]))
    write_private(file, json.dumps({"identities": accounts}))


def _account(name: str, keys: Credentials, actions: list[str]) -> dict[str, object]:
    pair = {"accessKey": keys.access_key, "secretKey": keys.secret_key}
    return {"name": name, "credentials": [pair], "actions": actions}
