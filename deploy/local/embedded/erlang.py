"""Erlang's name server, and a check that a port answers."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from deploy.local.embedded.process import ChildProcess, Program

_START_SECONDS = 120.0


class NameServer:
    """Erlang's name server `epmd` on a loopback port. The Erlang nodes of a machine find each other through it."""

    def __init__(self, port: int, log: Path) -> None:
        """Prepare the name server; `start` runs it."""
        self.port = port
        self._log = log
        self._process: ChildProcess | None = None

    async def start(self, program: Path, environment: Mapping[str, str]) -> None:
        """Start the name server and return when it answers.

        A node without a name server would start one itself and leave it running.
        """
        arguments = (str(program), "-port", str(self.port), "-address", "127.0.0.1")
        self._process = ChildProcess(
            Program(name="epmd", arguments=arguments, environment=environment, log=self._log)
        )
        await self._process.start()
        await wait_until_answered(self._process, self.port)

    async def stop(self) -> None:
        """Stop the name server. Its nodes must have ended before."""
        if self._process is not None:
            await self._process.stop()
            self._process = None


async def wait_until_answered(process: ChildProcess, port: int, greeting: bytes = b"") -> None:
    """Wait until the port accepts a connection and, if `greeting` is given, answers it.

    Raises ProcessFailedError if the process ends or does not answer within two minutes. The process is ended then.
    """
    await process.wait_until(partial(_answers, port, greeting), _START_SECONDS)


async def _answers(port: int, greeting: bytes) -> bool:
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(greeting)
                return not greeting or bool(await reader.read(1))
            finally:
                writer.close()
    except OSError:
        return False
