"""A disk so small that it can be filled: a file system in memory, which only root may mount."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A directory with a file system of its own."""

    directory: Path

    @property
    def _ballast(self) -> Path:
        return self.directory / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        # A buffer would keep what did not fit, and fail once more when the file is closed.
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(64 * 1024))

    def free(self) -> None:
        """Give back what `fill` took."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk that every user may write to; skips the test where that is not allowed."""
    directory.mkdir(mode=0o777)
    options = f"size={megabytes}m,mode=777"
    command = ("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory))
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    try:
        yield SmallDisk(directory)
    finally:
        subprocess.run(("umount", "--lazy", str(directory)), check=True)
