"""Looking at processes from the outside."""

import asyncio
import stat
import time
from pathlib import Path
from typing import Self

from deploy.local.embedded.progress import announce
from tests.bench.machine import resident_megabytes


def alive(pid: int) -> bool:
    """Whether a process exists; a zombie does not count."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def gone(pid: int, seconds: float = 15) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return not alive(pid)


def opened(directory: Path) -> None:
    """Let every user read and write a directory and all that is in it, as an old release may have left it."""
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o777 if path.is_dir() else 0o666))


def open_to_others(directory: Path) -> list[Path]:
    """Return what others may do something with; what they may pass at most is left out."""
    return [path for path in (directory, *directory.rglob("*")) if _is_open(path)]


def _is_open(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False  # A running PostgreSQL removes files between the listing and the look.
    if stat.S_ISLNK(mode):
        return False
    return bool(mode & (0o067 if stat.S_ISDIR(mode) else 0o077))


class MemoryWatch:
    """The largest memory of a process while the block runs, over what it was before, in MB."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.before = resident_megabytes([pid])
        self.peak = self.before

    async def __aenter__(self) -> Self:
        """Begin to look."""
        self._task = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Say what was seen."""
        self._task.cancel()
        announce(f"RSS: {self.before:.1f} MB before, {self.peak:.1f} MB at its peak")

    @property
    def growth(self) -> float:
        """How much larger it was at its peak."""
        return self.peak - self.before

    async def _look(self) -> None:
        while True:
            self.peak = max(self.peak, resident_megabytes([self._pid]))
            await asyncio.sleep(0.02)
