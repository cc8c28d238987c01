"""A lock on a data directory: one Warren at a time uses it."""

import fcntl
import os
import tempfile
from pathlib import Path

from deploy.local.embedded.process import ProcessFailedError

_ANOTHER = "name another directory with WARREN_DATA"


def make_writable(directory: Path) -> None:
    """Create a directory if it does not exist. Raises ProcessFailedError if it can't be written."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Only writing a file shows whether the directory is writable: modes do not show a read-only
        # file system.
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        message = f"{directory} can't be written ({error.strerror}); {_ANOTHER}"
        raise ProcessFailedError(message) from error


class DirectoryLock:
    """A lock that keeps a second Warren out of a directory. It ends with the process that holds it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def take(self) -> None:
        """Create the directory if it does not exist, and lock it. Raises ProcessFailedError."""
        make_writable(self._directory)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            message = f"{self._directory} is in use by another Warren: stop that one, or {_ANOTHER}"
            raise ProcessFailedError(message) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
