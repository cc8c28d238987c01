"""What Warren keeps is its user's alone: directories have mode 0700, files 0600."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local.embedded.account import nobody
from deploy.local.embedded.lock import make_writable
from deploy.local.embedded.process import ProcessFailedError

_OTHERS = 0o077
_OWNER = 0o700
_OWN_NAMES = frozenset(
    {"postgres", "s3", "rabbitmq", "log", "cache", "lock", "stack.json", "stack.json.new"}
)
"""What Warren puts into WARREN_DATA."""


def close_data(data: Path) -> None:
    """Make WARREN_DATA where it is missing, and close it to other users. Raises ProcessFailedError.

    A directory that also holds what is not Warren's, say a home, or that is for everybody, as
    /tmp, keeps its mode: what is Warren's in there is closed by this function and by each server.
    """
    make_writable(data)
    shared = data.stat().st_mode & stat.S_ISVTX
    if not shared and all(each.name in _OWN_NAMES for each in data.iterdir()):
        close_on_the_way(data)
    close_tree(data / "log")
    if (cache := data / "cache").exists():
        # What is in there is programs, which are no secret, and thousands of files.
        _close(cache)


def close_on_the_way(directory: Path) -> None:
    """Close a directory that PostgreSQL's cluster is below. Raises ProcessFailedError.

    Root's PostgreSQL runs as `nobody`, who may pass and still lists and reads nothing.
    """
    if os.geteuid() == 0:
        os.chown(directory, -1, nobody().gid)
        directory.chmod(0o710)
    else:
        _close(directory)


def close_tree(directory: Path, but: str = "") -> None:
    """Make a directory where it is missing; take all rights from other users, down to each file.

    An earlier release, or a copy, may have left them. The directory at its top that is named `but`
    keeps its modes. Raises ProcessFailedError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _close(directory)
    # Resolved, since the directory may be a symbolic link to a larger disk.
    top = directory.resolve()
    for parent, directories, files, descriptor in os.fwalk(top):
        if parent == str(top) and but in directories:
            directories.remove(but)
        for name in (*directories, *files):
            _close_entry(Path(parent), descriptor, name)


def write_private(file: Path, content: str) -> None:
    """Write a file that nobody else can read, not even while it is written."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(content)
    new.replace(file)


def _close(path: Path) -> None:
    mode = path.stat().st_mode
    if mode & _OTHERS:
        with _explained(path):
            path.chmod(mode & _OWNER)


def _close_entry(parent: Path, descriptor: int, name: str) -> None:
    """Close a file or directory in an open directory; symbolic links name what is elsewhere.

    Root goes through the files of PostgreSQL's user, who could put a link in the place of one
    meanwhile: a descriptor stays with the file that it was opened for.
    """
    # A server that is just ending may remove its files meanwhile.
    with suppress(FileNotFoundError):
        mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
        if not mode & _OTHERS or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return
        with _explained(parent / name):
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
            try:
                os.fchmod(opened, mode & _OWNER)
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
