"""Progress lines for users at a terminal. Logs for machines are in shared.runtime.logs."""

import sys


def announce(line: str) -> None:
    """Print one line at once, to standard error: standard output belongs to the program's result."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
