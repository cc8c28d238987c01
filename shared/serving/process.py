"""How every process of Warren runs: on uvloop, until SIGTERM or SIGINT."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from typing import Any, Protocol

from shared.runtime.health import Checks, Monitor
from shared.runtime.logs import configure_logging
from shared.runtime.settings import LogLevel, MonitorSettings, TracingSettings
from shared.runtime.starting import explained, starting
from shared.runtime.tasks import cancel_and_wait
from shared.tracing.hooks import Tracing
from shared.tracing.start import start_tracing

GARBAGE_THRESHOLD = 50_000
"""Objects that may be made, beyond those that are gone again, before the collector looks for cycles."""


class Service(Protocol):
    """What a process is for, once it has been started."""

    @property
    def checks(self) -> Checks:
        """What it depends on, for the readiness probe."""

    async def close(self) -> None:
        """Finish what was begun, then leave."""


class CommonSettings(Protocol):
    """Settings that each process has."""

    log_level: LogLevel
    tracing: TracingSettings


@contextmanager
def process(name: str, settings: CommonSettings, title: str = "") -> Iterator[Tracing]:
    """Be a process: its logs, its traces, and a sentence where it can't start.

    ``title`` names it in that sentence, if not its ``name``.
    """
    configure_logging(name, settings.log_level)
    with explained(title or name), closing(start_tracing(name, settings.tracing)) as tracing:
        yield tracing


async def serve_until_signalled(
    start: Callable[[], Coroutine[Any, Any, Service]], settings: MonitorSettings
) -> None:
    """Start a service, tell operators about it, and close it after SIGTERM or SIGINT.

    A process that is still waiting for its broker when the signal comes just leaves. Raises StartError.
    """
    stop = asyncio.create_task(stop_signal().wait())
    async with AsyncExitStack() as running:
        with starting():
            monitor = await running.enter_async_context(Monitor().listening(settings))
            start_of_service = asyncio.create_task(start())
            await asyncio.wait((start_of_service, stop), return_when=asyncio.FIRST_COMPLETED)
            if not start_of_service.done():
                await cancel_and_wait([start_of_service])
                return
            service = start_of_service.result()
        monitor.started(service.checks)
        await stop
        monitor.leaving()
        await service.close()


def run_until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop, or on asyncio's own loop where there is none (Windows)."""
    collect_seldom()
    try:
        import uvloop  # noqa: PLC0415  # Absent on Windows.
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def collect_seldom() -> None:
    """Let the garbage collector look less often, and never at what the imports have made.

    A frame makes thousands of objects, none of them in a cycle, and each 700th would set it off.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 10, 10)


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
