"""Keeps things running: what ends by itself is started again, at first soon, then less often."""

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
    """What can be supervised: a service's process, or a server."""

    @property
    def pid(self) -> int:
        """The id of its leading process."""

    async def start(self) -> None:
        """Run it."""

    async def wait(self) -> int:
        """Return its code when it has ended."""

    async def stop(self) -> None:
        """End it, and clear what a crash left behind."""


class Supervisor:
    """A set of named units; `changed` is called whenever a process id may have changed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Begin with no unit."""
        self._changed = changed
        self._units: list[tuple[str, Unit]] = []
        self._watches: list[asyncio.Task[None]] = []

    def pids(self) -> dict[str, list[int]]:
        """Group the ids of the running processes by the names of their units."""
        found: dict[str, list[int]] = {}
        for name, unit in self._units:
            try:
                found.setdefault(name, []).append(unit.pid)
            except ProcessFailedError:
                continue
        return found

    def watch(self, name: str, unit: Unit) -> None:
        """Take over a unit that has been started."""
        self._units.append((name, unit))
        self._watches.append(asyncio.create_task(self._keep(name, unit), name=f"watch-{name}"))

    async def stop(self) -> None:
        """Stop all units: the last started first, and those of the same name together."""
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
