"""Restarts processes and servers that end by themselves, with growing pauses."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from deploy.local.embedded.process import ProcessFailedError
from deploy.local.embedded.progress import announce

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_STEADY_SECONDS = 10.0


class Unit(Protocol):
    """A supervised process or server."""

    @property
    def pid(self) -> int:
        """The id of its leading process."""

    async def start(self) -> None:
        """Start the unit."""

    async def wait(self) -> int:
        """Wait for the unit's end and return its exit code."""

    async def stop(self) -> None:
        """Stop the unit, and clean up after a crash."""


class Supervisor:
    """A set of named units. `changed` is called whenever a process id may have changed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Start without units."""
        self._changed = changed
        self._units: list[tuple[str, Unit]] = []
        self._watches: list[asyncio.Task[None]] = []

    def pids(self) -> dict[str, list[int]]:
        """Return the ids of running processes by unit name."""
        found: dict[str, list[int]] = {}
        for name, unit in self._units:
            try:
                found.setdefault(name, []).append(unit.pid)
            except ProcessFailedError:
                continue
        return found

    def watch(self, name: str, unit: Unit) -> None:
        """Supervise a unit that has been started."""
        self._units.append((name, unit))
        self._watches.append(asyncio.create_task(self._keep(name, unit), name=f"watch-{name}"))

    async def stop(self) -> None:
        """Stop all units, last started first. Units of the same name stop together."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for name in reversed(dict(self._units)):
            same = [unit for unit_name, unit in self._units if unit_name == name]
            await asyncio.gather(*(unit.stop() for unit in same))

    async def _keep(self, name: str, unit: Unit) -> None:
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            code = await unit.wait()
            steady = time.monotonic() - began > _STEADY_SECONDS
            pause = _FIRST_PAUSE if steady else min(2 * pause, _LONGEST_PAUSE)
            announce(f"{name} ended with code {code}; starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)
            await self._restart(name, unit)

    async def _restart(self, name: str, unit: Unit) -> None:
        try:
            await unit.stop()
            await unit.start()
        except ProcessFailedError as error:
            announce(f"{name}: {error}")
        self._changed()
