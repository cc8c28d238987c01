"""Which user PostgreSQL runs as. It refuses root, so root must lend it another identity."""

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
    """How a program is started so that it is not root.

    `account` changes the user in the child; `prefix` wraps the command line instead; `owner` is
    who must own its files.
    """

    account: Account | None
    prefix: tuple[str, ...]
    owner: Account


class NoIdentityError(ProcessFailedError):
    """Whoever we are can't run PostgreSQL, nor as somebody else who reaches its programs and its data."""


def identity_for(*paths: Path) -> Identity:
    """Choose an identity that can reach all of `paths`.

    Not root: nothing changes, but for a user without a name, as in containers that are given any number:
    initdb asks for one, and `nobody` in a user namespace has it. Root: the user `nobody` where every
    parent directory lets it pass; else a user namespace in which root merely looks like `nobody` (a
    checkout under /root needs that; containers often forbid it).
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
    """Whether the system's list of users has a number."""
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
    """Return the user and the group that root lends to PostgreSQL."""
    found = pwd.getpwnam("nobody")
    return Account(found.pw_uid, found.pw_gid)


def reachable_by_nobody(path: Path) -> bool:
    """Whether the user `nobody` may pass through all existing parents of `path`."""
    group = nobody().gid
    return all(
        mode.st_mode & (stat.S_IXOTH | (stat.S_IXGRP if mode.st_gid == group else 0))
        for mode in (parent.stat() for parent in path.absolute().parents if parent.exists())
    )


@functools.cache
def namespaces_allowed() -> bool:
    """Whether this user may make a user namespace; Docker's default profile says no."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return subprocess.run([*_unshare(), "true"], check=False, capture_output=True).returncode == 0


def _unshare() -> tuple[str, ...]:
    return ("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")
