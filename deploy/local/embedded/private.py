"""File modes of Warren's data: 0700 for directories, 0600 for files, so other users can't read them."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local.embedded.account import nobody
from deploy.local.embedded.lock import make_writable
from deploy.local.embedded.process import ProcessFailedError

SetMode = Callable[[int, int], None]
"""Sets the mode of an open file, by its descriptor."""

_OTHERS = 0o077
_OWNER = 0o700
_OWN_NAMES = frozenset(
    {"postgres", "s3", "rabbitmq", "log", "cache", "lock", "stack.json", "stack.json.new"}
)
"""Names of Warren's own entries in WARREN_DATA."""


def restrict_data(data: Path) -> None:
    """Create WARREN_DATA if it does not exist, and take other users' rights from it. Raises ProcessFailedError.

    A directory with other content, such as a home, and one for all users, such as /tmp, keep their modes. Warren's
    own entries in them are restricted by this function and by each server.
    """
    make_writable(data)
    shared = data.stat().st_mode & stat.S_ISVTX
    if not shared and all(each.name in _OWN_NAMES for each in data.iterdir()):
        restrict_passage(data)
    restrict_tree(data / "log")
    if (cache := data / "cache").exists():
        # The cache holds programs, which are not secret, in thousands of files. Its top is
        # enough.
        _restrict(cache)


def restrict_passage(directory: Path) -> None:
    """Restrict the directory above PostgreSQL's cluster. Raises ProcessFailedError.

    Under root, PostgreSQL runs as `nobody`. Its group may pass through the directory, but not list or read it.
    """
    if os.geteuid() == 0:
        os.chown(directory, -1, nobody().gid)
        directory.chmod(0o710)
    else:
        _restrict(directory)


def restrict_tree(directory: Path, but: str = "", set_mode: SetMode = os.fchmod) -> None:
    """Create a directory if it does not exist, and remove other users' rights from it and everything in it.

    An earlier release or a copy may have left such rights. The entry `but` at its top keeps its modes.
    `set_mode` sets the mode of an open file. Raises ProcessFailedError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _restrict(directory)
    # The directory may be a symbolic link to a larger disk, and fwalk would not follow it.
    top = directory.resolve()
    for parent, directories, files, descriptor in os.fwalk(top):
        if parent == str(top) and but in directories:
            directories.remove(but)
        for name in (*directories, *files):
            _restrict_entry(Path(parent), descriptor, name, set_mode)


def write_private(file: Path, content: str) -> None:
    """Write a file that other users can't read, not even during the write."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(content)
    new.replace(file)


def _restrict(path: Path) -> None:
    mode = path.stat().st_mode
    if mode & _OTHERS:
        with _explained(path):
            path.chmod(mode & _OWNER)


def _restrict_entry(parent: Path, descriptor: int, name: str, set_mode: SetMode) -> None:
    """Restrict a file or directory in an open directory. Symbolic links are left alone: their targets are elsewhere.

    Under root this handles files of PostgreSQL's user, who could replace a file by a link between the check and the
    change. A descriptor always refers to the file that was opened.
    """
    # A server that is still shutting down may remove its files meanwhile.
    with suppress(FileNotFoundError):
        mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
        if not mode & _OTHERS or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return
        with _explained(parent / name):
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
            try:
                set_mode(opened, mode & _OWNER)
            finally:
                os.close(opened)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        message = (
            f"{path} is open to other users and cannot be closed ({error.strerror}): "
            "give it to the user that runs Warren, on a file system that has permissions"
        )
        raise ProcessFailedError(message) from error
