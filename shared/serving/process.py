"""Runs every process of Warren: on uvloop, until SIGTERM or SIGINT."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from typing import Any, Protocol

from shared.runtime.health import Checks, Monitor
from shared.runtime.logs import configure_logging
from shared.runtime.settings import LogLevel, MonitorSettings, TracingSettings
from shared.runtime.starting import exit_on_start_error, starting
from shared.runtime.tasks import cancel_and_wait
from shared.tracing.hooks import Tracing
from shared.tracing.start import start_tracing

GARBAGE_THRESHOLD = 50_000
"""Number of new objects, minus freed ones, after which the garbage collector looks for cycles."""


class Service(Protocol):
    """A service that a process runs, once it is started."""

    @property
    def checks(self) -> Checks:
        """The checks of its dependencies, for the readiness probe."""

    async def close(self) -> None:
        """Finish the work that has begun, then disconnect."""


class CommonSettings(Protocol):
    """The settings that every process has."""

    log_level: LogLevel
    tracing: TracingSettings


@contextmanager
def process(name: str, settings: CommonSettings, title: str = "") -> Iterator[Tracing]:
    """Set up logs and traces, and exit with one sentence if the process can't start.

    That sentence names the process by ``title``, or else by ``name``.
    """
    configure_logging(name, settings.log_level)
    with (
        exit_on_start_error(title or name),
        closing(start_tracing(name, settings.tracing)) as tracing,
    ):
        yield tracing


async def serve_until_signalled(
    start: Callable[[], Coroutine[Any, Any, Service]], settings: MonitorSettings
) -> None:
    """Start a service with its monitor, and close it after SIGTERM or SIGINT.

    If the signal comes during the start, for example while the broker is unreachable, the start is
    cancelled. Raises StartError.
    """
    stop = asyncio.create_task(stop_signal().wait())
    async with AsyncExitStack() as running:
        with starting():
            # The monitor comes first: a process that waits for its broker is alive, but not ready.
            monitor = await running.enter_async_context(Monitor().listening(settings))
            start_of_service = asyncio.create_task(start())
            await asyncio.wait((start_of_service, stop), return_when=asyncio.FIRST_COMPLETED)
            if not start_of_service.done():
                await cancel_and_wait([start_of_service])
                return
            service = start_of_service.result()
        monitor.started(service.checks)
        await stop
        # Readiness ends first, because `close` takes as long as the work that has begun.
        monitor.drain()
        await service.close()


def run_until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop, or on asyncio's own loop if uvloop is not installed (Windows)."""
    collect_seldom()
    try:
        import uvloop  # noqa: PLC0415  # Absent on Windows.
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def collect_seldom() -> None:
    """Run the garbage collector less often, and never on the objects that the imports have created.

    A frame creates thousands of objects, and none of them is in a cycle. Python's default would run the
    collector at every 700th.
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
