"""How every process of Warren runs: on uvloop, until SIGTERM or SIGINT."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def run_until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop, or on asyncio's own loop where there is none (Windows)."""
    try:
        import uvloop  # noqa: PLC0415  # Absent on Windows.
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
