"""Progress of a command."""

import sys
import time
from collections.abc import Callable

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Shows progress: on a terminal in one line that is overwritten, else in a line every 10 seconds."""

    def __init__(
        self, *, terminal: bool, write: Callable[[str], object] = sys.stderr.write
    ) -> None:
        self._terminal = terminal
        self._write = write
        self._next = 0.0

    def show(self, line: str, *, last: bool = False) -> None:
        """Show a line. Only the last line is certain to appear."""
        if self._terminal:
            self._write(f"\r\x1b[K{line}" + ("\n" if last else ""))
        elif last or time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES
            self._write(f"{line}\n")
