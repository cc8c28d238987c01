"""The user that runs PostgreSQL. PostgreSQL refuses to run as root, so root must start it as another user."""

import functools
import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.embedded.process import Account, ProcessFailedError

_NOBODY = 65534


@dataclass(frozen=True)
class Identity:
    """A way to start a program as a user other than root.

    `account` changes the user in the child process. `prefix` is put before the command line instead. `owner` must
    own the program's files.
    """

    account: Account | None
    prefix: tuple[str, ...]
    owner: Account


class NoIdentityError(ProcessFailedError):
    """No user can run PostgreSQL: it refuses root, and no other user reaches its programs and its data."""


def identity_for(*paths: Path) -> Identity:
    """Choose an identity that can reach all of `paths`. Raises NoIdentityError.

    A user other than root runs PostgreSQL itself. If the user has no name, as in containers with an arbitrary user
    id, PostgreSQL runs in a user namespace as `nobody`, because initdb needs a name. Root uses the account `nobody`
    if every parent directory lets it pass. Otherwise root uses a user namespace in which it appears as `nobody`. A
    checkout under /root needs that; containers often forbid it.
    """
    own = Account(os.geteuid(), os.getegid())
    if own.uid != 0:
        return Identity(None, () if has_name(own.uid) else _as_nobody(own.uid), own)
    if all(reachable_by_nobody(path) for path in paths):
        account = nobody()
        return Identity(account, (), account)
    if namespaces_allowed():
        return Identity(None, _unshare(), own)
    closed = ", ".join(str(path) for path in paths if not reachable_by_nobody(path))
    message = (
        f"PostgreSQL does not run as root, and no other user can reach {closed}: "
        "use a directory outside of root's home (WARREN_DATA), or run Warren as another user"
    )
    raise NoIdentityError(message)


def has_name(uid: int) -> bool:
    """Return whether a user id has an entry in the system's list of users."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _as_nobody(uid: int) -> tuple[str, ...]:
    """Return the prefix for a user without a name. Raises NoIdentityError."""
    if namespaces_allowed():
        return _unshare()
    message = (
        f"PostgreSQL needs a user with a name, and the number {uid} has none in /etc/passwd: give it an "
        "entry there, or name another PostgreSQL with WARREN_POSTGRES_DSN"
    )
    raise NoIdentityError(message)


def nobody() -> Account:
    """Return the user and the group that run PostgreSQL when root starts it."""
    found = pwd.getpwnam("nobody")
    return Account(found.pw_uid, found.pw_gid)


def reachable_by_nobody(path: Path) -> bool:
    """Return whether the user `nobody` can pass through all existing parents of `path`."""
    group = nobody().gid
    return all(
        mode.st_mode & (stat.S_IXOTH | (stat.S_IXGRP if mode.st_gid == group else 0))
        for mode in (parent.stat() for parent in path.absolute().parents if parent.exists())
    )


@functools.cache
def namespaces_allowed() -> bool:
    """Return whether this user can create a user namespace. Docker's default profile forbids it."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return subprocess.run([*_unshare(), "true"], check=False, capture_output=True).returncode == 0


def _unshare() -> tuple[str, ...]:
    return ("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")
