"""A child process. It ends with its parent, is stopped gently, and is killed if that fails."""

import asyncio
import ctypes
import os
import re
import signal
import socket
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

STOP_GRACE_SECONDS = 15.0
_POLL_SECONDS = 0.05
_PR_SET_PDEATHSIG = 1
_LONGEST_REASON = 300
_COMPLAINT = re.compile(
    r"error|fatal|panic|denied|failed|cannot|could not|can't|no space", re.IGNORECASE
)
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ProcessFailedError(ChildProcessError):
    """A child process could not be started, or it ended too early."""


class Account(NamedTuple):
    """User and group of a child process, for a program that refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program to run, and the signal that stops it.

    `log` receives standard output and standard error. With None the child writes to this process's output.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    directory: Path = Path("/")
    log: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None


class ChildProcess:
    """A running `Program` in a session of its own, so that Ctrl-C in the terminal does not reach it.

    Start it from the main thread: Linux ties the death signal to the thread that created the child.
    """

    def __init__(self, program: Program) -> None:
        """Store the program; `start` runs it."""
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
        """Run the program. Raises ProcessFailedError if it is missing or can't be executed."""
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
        """Wait for the child's end and return its exit code, which is negative for a signal."""
        if self._process is None:
            return 0
        return await self._process.wait()

    async def wait_until(self, ready: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Wait until `ready()` is true. Raises ProcessFailedError if the child ends first or takes too long.

        The child is stopped before the error is raised.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.running:
                    if await ready():
                        return
                    await asyncio.sleep(_POLL_SECONDS)
        await self.stop()
        raise ProcessFailedError(self.describe_failure())

    async def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """Send the program's stop signal, and kill the process group after at most `grace` seconds."""
        if self._process is None:
            return
        if self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(self.program.stop_signal)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace)
        await self.kill()

    async def kill(self) -> None:
        """Kill the child and the rest of its process group. They get no chance to clean up."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def run_to_end(self) -> None:
        """Run the program to its end. Raises ProcessFailedError, with the log's reason, for a code other than 0."""
        await self.start()
        try:
            code = await self.wait()
        finally:
            await self.kill()
        if code != 0:
            raise ProcessFailedError(self.describe_failure())

    def describe_failure(self) -> str:
        """Return one line that says how the child ended, and the reason from its log."""
        code = self._process.returncode if self._process else None
        text = f"{self.program.name} ended with code {code}"
        written = self.log_end()
        if not written:
            return text
        # The last line is often about cleaning up, so the last line that looks like an error is
        # taken.
        reason = next((line for line in reversed(written) if _COMPLAINT.search(line)), written[-1])
        return f"{text}: {reason[:_LONGEST_REASON]} (see {self.program.log})"

    def log_end(self) -> list[str]:
        """Return the last lines of the child's log."""
        if self.program.log is None or not self.program.log.exists():
            return []
        with self.program.log.open(encoding="utf-8", errors="replace") as lines:
            return [line.strip() for line in deque(lines, maxlen=15) if line.strip()]


def free_ports(count: int) -> list[int]:
    """Return free loopback ports. Another process may still take one before it is used."""
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
    """Return the function that runs in the child between fork and exec.

    The order matters. The death signal is set after the change of user, because Linux clears it when credentials
    change. The parent may have died before that, and the signal would never come; so the parent's id is compared
    afterwards. The stop signal gets its default action: a script that starts Warren in the background makes it
    ignore SIGINT, and a shell can't trap a signal that was ignored at its start.
    """

    def setup() -> None:
        # Files that the child creates are private.
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
