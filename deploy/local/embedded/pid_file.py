"""Pid files of servers. PostgreSQL's also says whether the server is ready."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from deploy.local.embedded.process import ProcessFailedError

_STATUS_LINE = 7
_PREDECESSOR_SECONDS = 30.0


async def wait_for_predecessor(pid_file: Path, directory: Path, name: str) -> None:
    """Wait until the server of a killed parent has shut down, then delete its stale pid file.

    The server's working directory is `directory`. A stale pid file would keep PostgreSQL from starting if another
    program has its pid by now. Raises ProcessFailedError after half a minute.
    """
    pid = 0
    try:
        async with asyncio.timeout(_PREDECESSOR_SECONDS):
            while (pid := _pid(pid_file)) and _works_in(pid, directory):
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        message = f"another {name} (pid {pid}) uses {directory}"
        raise ProcessFailedError(message) from error
    pid_file.unlink(missing_ok=True)


async def says_ready(pid_file: Path) -> bool:
    """Return whether the postmaster's pid file says that the server accepts connections."""
    with suppress(OSError, IndexError):
        return pid_file.read_text().splitlines()[_STATUS_LINE].strip() == "ready"
    return False


def _pid(pid_file: Path) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(pid_file.read_text().splitlines()[0])
    return 0


def _works_in(pid: int, directory: Path) -> bool:
    """Return whether a live process has `directory` as its working directory, as the servers here do."""
    try:
        if sys.platform == "linux":
            return Path(f"/proc/{pid}/cwd").resolve(strict=True) == directory.resolve()
        os.kill(pid, 0)
    except OSError:
        return False
    return True
