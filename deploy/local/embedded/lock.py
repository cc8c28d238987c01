"""One Warren for each data directory."""

import fcntl
import os
import tempfile
from pathlib import Path

from deploy.local.embedded.process import ProcessFailedError

_ANOTHER = "name another directory with WARREN_DATA"


def make_writable(directory: Path) -> None:
    """Make a directory where it is missing. Raises ProcessFailedError if it can't be written."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It is tried, since what forbids it may be the file system or its owner.
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        message = f"{directory} can't be written ({error.strerror}); {_ANOTHER}"
        raise ProcessFailedError(message) from error


class DirectoryLock:
    """Keeps a second Warren away from a directory; the lock dies with the process that took it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def take(self) -> None:
        """Make the directory where it is missing, and lock it. Raises ProcessFailedError."""
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
        """Let another take it; harmless where it was not taken."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
