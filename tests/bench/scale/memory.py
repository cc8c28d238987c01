"""How much memory a request takes in each process."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_INTERVAL_SECONDS = 0.01
_MEGABYTE = 1024 * 1024


@contextmanager
def growth(processes: Callable[[], Mapping[int, str]]) -> Iterator[dict[str, float]]:
    """Watch processes while the block runs; the dict then holds the largest growth in MB by name.

    ``processes`` returns names by process id. Memory is private memory: shared buffers of PostgreSQL don't count.
    """
    found: dict[str, float] = {}
    before = {pid: _private(pid) for pid in processes()}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_INTERVAL_SECONDS):
            for pid, name in processes().items():
                grown = (_private(pid) - before.get(pid, 0)) / _MEGABYTE
                found[name] = max(found.get(name, 0), grown)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def _private(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
