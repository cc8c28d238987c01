"""Progress lines for a person in front of a terminal; logs for machines are telemetry's."""

import sys


def announce(line: str) -> None:
    """Show one line at once, on standard error so that standard output stays the program's own."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
