"""Where the numbers come from: the machine, and how much memory processes hold. No host names, no paths."""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MEGABYTE = 1024 * 1024


def describe_machine() -> str:
    """Name the processor, its cores, the memory and the system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _MEGABYTE / 1024
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB memory, {platform.system()} {platform.release()}"


def resident_megabytes(pids: Iterable[int]) -> float:
    """Add up the resident memory (RSS) of processes and their children; shared pages count in each of them."""
    return sum(_resident(pid) for pid in _with_children(pids)) / _MEGABYTE


@contextmanager
def paused(pids: Iterable[int]) -> Iterator[None]:
    """Stop processes and their children for as long as the block runs.

    A server that waits for work is not idle: those of mlflow alone take half a core.
    """
    stopped = _with_children(pids)
    _signal(stopped, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(stopped, signal.SIGCONT)


def python_version() -> str:
    """Name the Python that runs Warren and mlflow, and tell whether it is the system's.

    Distributions, and the images of Docker Hub, have theirs optimised by a profile, and linked as one
    program. One that pyenv has built mostly is not, and is a fifth slower.
    """
    whose = "the system's" if sys.base_prefix == "/usr" else "not the system's"
    return f"{platform.python_version()} ({whose})"


def wrk_version() -> str:
    """Ask wrk, which answers with an error code and its version all the same."""
    answer = subprocess.run(
        ["wrk", "--version"], check=False, capture_output=True, text=True
    ).stdout
    return " ".join(answer.split()[1:2])


def processor_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that processes and their children have used, with that of children that have ended."""
    return sum(_processor_seconds(pid) for pid in _with_children(pids))


def _processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children; none if it has ended."""
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _with_children(pids: Iterable[int]) -> set[int]:
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children(pid))
    return found
