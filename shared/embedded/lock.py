"""One Warren for each data directory."""

import fcntl
import os
from pathlib import Path

from shared.embedded.process import ProcessFailedError


class DirectoryLock:
    """Keeps a second Warren away from a directory; the lock dies with the process that took it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def take(self) -> None:
        """Make the directory where it is missing, and lock it. Raises ProcessFailedError."""
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            message = f"{self._directory} is in use by another Warren"
            raise ProcessFailedError(message) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another take it; harmless where it was not taken."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
