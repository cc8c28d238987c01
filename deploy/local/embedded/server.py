"""The life that all embedded servers have in common: start with retries, stop, kill, wait."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

from deploy.local.embedded.lock import DirectoryLock
from deploy.local.embedded.process import (
    STOP_GRACE_SECONDS,
    ChildProcess,
    ProcessFailedError,
    free_ports,
)

Prepared = TypeVar("Prepared")
"""The values that a server finds once for all attempts to start it, such as its programs."""

_RETRY_SECONDS = 0.5


class EmbeddedServer(ABC, Generic[Prepared]):
    """One server that keeps its files, its passwords (mode 600) and its log under `data_dir`.

    All ports are on loopback. The first start chooses them. Later starts of the same object use the same ones, so
    clients find the server again after a fault. `async with` starts and stops the server; its data remain.
    """

    product: ClassVar[str]
    """The name of the server's program, for people."""
    log_name: ClassVar[str]
    """The name of the log file in `data_dir`."""
    port_count: ClassVar[int]
    """The number of ports that the server needs."""
    attempts: ClassVar[int] = 3
    """How often a start is tried."""
    stop_seconds: ClassVar[float] = STOP_GRACE_SECONDS
    """How long the server may take to shut down; it is killed then."""

    def __init__(self, data_dir: Path) -> None:
        """Prepare the server; `async with` or `start` runs it."""
        self._data_dir = data_dir.absolute()
        self._lock = DirectoryLock(self._data_dir)
        self._ports: list[int] = []
        self._process: ChildProcess | None = None

    async def __aenter__(self) -> Self:
        """Start the server."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server; its data remain."""
        await self.stop()

    @property
    def pid(self) -> int:
        """The id of the server's first process. Raises ProcessFailedError if the server is not running."""
        if self._process is None:
            message = f"{self.product} is not running"
            raise ProcessFailedError(message)
        return self._process.pid

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._data_dir / self.log_name

    async def start(self) -> None:
        """Start the server and return when it can be used. Raises ProcessFailedError."""
        self._lock.take()
        try:
            await self._start_with_retries(await self._prepare())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Shut down cleanly. A server that is not running stays as it is."""
        if self._process is not None:
            await self._process.stop(self.stop_seconds)
        await self._after_end()
        self._lock.release()

    async def kill(self) -> None:
        """Kill the server, as a power cut would. `start` recovers it."""
        if self._process is not None:
            await self._process.kill()
        await self._after_end()
        self._lock.release()

    async def wait(self) -> int:
        """Wait for the server's end and return its exit code; -1 if it is not running."""
        return await self._process.wait() if self._process is not None else -1

    async def _start_with_retries(self, prepared: Prepared) -> None:
        """Try several times: another process may take a port between its choice and its use."""
        known_ports = self._ports
        for attempt in range(1, self.attempts + 1):
            self._ports = known_ports or free_ports(self.port_count)
            try:
                await self._launch(prepared)
            except ProcessFailedError:
                if attempt == self.attempts:
                    raise
            else:
                return
            await self._after_end()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _after_end(self) -> None:
        """Forget the process, which has ended. A subclass ends and deletes what belongs to it."""
        self._process = None

    @abstractmethod
    async def _prepare(self) -> Prepared:
        """Find programs and write files, once for all attempts. Raises ProcessFailedError."""

    @abstractmethod
    async def _launch(self, prepared: Prepared) -> None:
        """Set and start `_process` on `_ports`, and return when clients can use it.

        Raises ProcessFailedError if it ends or hangs. No process is left then.
        """
