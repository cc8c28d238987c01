"""How far a command is."""

import sys
import time
from collections.abc import Callable

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Says how far it is: on a terminal in one line, else in a line now and then."""

    def __init__(
        self, *, terminal: bool, write: Callable[[str], object] = sys.stderr.write
    ) -> None:
        self._terminal = terminal
        self._write = write
        self._next = 0.0

    def show(self, line: str, *, last: bool = False) -> None:
        """Show the line; one that is not the last may be left out."""
        if self._terminal:
            self._write(f"\r\x1b[K{line}" + ("\n" if last else ""))
        elif last or time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES
            self._write(f"{line}\n")
