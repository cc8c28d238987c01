"""One child process: it dies with its parent, stops gently, and is killed when that fails."""

import asyncio
import ctypes
import os
import re
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

STOP_GRACE_SECONDS = 15.0
_PR_SET_PDEATHSIG = 1
_LONGEST_REASON = 300
_COMPLAINT = re.compile(
    r"error|fatal|panic|denied|failed|cannot|could not|can't|no space", re.IGNORECASE
)
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ProcessFailedError(ChildProcessError):
    """A child process could not be started, or ended when it should have gone on."""


class Account(NamedTuple):
    """The user and group of a child whose parent is root and whose program refuses root."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, and how it likes to be stopped.

    `log` receives standard output and error together; None lets the child write to ours.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    directory: Path = Path("/")
    log: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None


class ChildProcess:
    """A running `Program`, in a session of its own: a Ctrl-C in the terminal reaches only us.

    Start it from the main thread: Linux ties the death signal to the thread that made the child.
    """

    def __init__(self, program: Program) -> None:
        """Remember the program; nothing runs before `start`."""
        self.program = program
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The child's process id."""
        if self._process is None:
            message = f"{self.program.name} was not started"
            raise ProcessFailedError(message)
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Run the program; a program that is missing or forbidden raises ProcessFailedError."""
        program = self.program
        log = (
            os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            if program.log
            else None
        )
        try:
            self._process = await asyncio.create_subprocess_exec(
                *program.arguments,
                env=program.environment,
                cwd=program.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT if log is not None else None,
                start_new_session=True,
                preexec_fn=_child_setup(os.getpid(), program.stop_signal, program.account),
            )
        except OSError as error:
            message = f"{program.name} cannot be started: {error}"
            raise ProcessFailedError(message) from error
        finally:
            if log is not None:
                os.close(log)

    async def wait(self) -> int:
        """Wait for the end; the return code is negative for a signal."""
        if self._process is None:
            return 0
        return await self._process.wait()

    async def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """Ask with the program's stop signal, then kill after `grace` seconds."""
        if self._process is None:
            return
        if self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(self.program.stop_signal)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace)
        await self.kill()

    async def kill(self) -> None:
        """End the child, and what it left in its process group, without a chance to clean up."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def run_to_end(self) -> None:
        """Start and wait; a return code other than zero is an error that quotes the log."""
        await self.start()
        try:
            code = await self.wait()
        finally:
            await self.kill()
        if code != 0:
            raise ProcessFailedError(self.describe_failure())

    def describe_failure(self) -> str:
        """Say in one line how the child ended, and what it gave as the reason."""
        code = self._process.returncode if self._process else None
        text = f"{self.program.name} ended with code {code}"
        written = self.log_end()
        if not written:
            return text
        # The last line is often about the clearing up.
        reason = next((line for line in reversed(written) if _COMPLAINT.search(line)), written[-1])
        return f"{text}: {reason[:_LONGEST_REASON]} (see {self.program.log})"

    def log_end(self) -> list[str]:
        """Return what the child wrote last."""
        if self.program.log is None or not self.program.log.exists():
            return []
        with self.program.log.open(encoding="utf-8", errors="replace") as lines:
            return [line.strip() for line in deque(lines, maxlen=15) if line.strip()]


def free_ports(count: int) -> list[int]:
    """Find loopback ports that nobody listens on now; somebody may take one before its use."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _child_setup(
    parent: int, death_signal: signal.Signals, account: Account | None
) -> Callable[[], None]:
    """Make the function that runs in the child between fork and exec.

    The death signal is set after the change of user, because Linux clears it when the credentials
    change. A parent that died in between is noticed by comparing its id, since the signal would
    then never come. A script that starts us in the background lets us ignore SIGINT, and a shell can't
    trap a signal that it was started to ignore: so the child begins with the signal's default.
    """

    def setup() -> None:
        # What a server keeps is for nobody else to read.
        os.umask(0o077)
        signal.signal(death_signal, signal.SIG_DFL)
        if account is not None:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return setup
