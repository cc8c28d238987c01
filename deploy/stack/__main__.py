"""`python -m deploy.stack --gateway 2 --tracking 3`: Warren as processes on one machine."""

import asyncio
import json
import os
import sys
from http import HTTPStatus
from pathlib import Path

import aiohttp
from pydantic_settings import CliApp

from deploy.stack.servers import Addresses, start_servers
from deploy.stack.services import plan
from deploy.stack.settings import StackSettings
from deploy.stack.supervisor import Supervisor
from shared.embedded.account import NoIdentityError
from shared.embedded.process import ProcessFailedError
from shared.embedded.progress import announce
from shared.process import run_until_signalled, stop_signal

_READY_SECONDS = 60.0
_PROBE = "/api/2.0/mlflow/experiments/get?experiment_id=0"
"""A read that passes through the gateway, the bus, a service and the database."""


class Stack:
    """All processes of one Warren, and the file that tells other programs about them."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._addresses = Addresses("", "")
        self._supervisor = Supervisor(self._record)
        self.url = f"http://{settings.host}:{settings.port}"

    async def start(self) -> None:
        """Return when a request is answered by every part."""
        data = self._settings.data
        (data / "log").mkdir(parents=True, exist_ok=True)
        self._addresses = await start_servers(self._settings, self._supervisor)
        announce(f"Starting the services; their logs are in {data / 'log'} ...")
        for name, process in plan(self._settings, *self._addresses_of_services()):
            await process.start()
            self._supervisor.watch(name, process)
        await _until_ready(self.url + _PROBE)
        self._record()

    async def stop(self) -> None:
        """End every process."""
        self._record_file().unlink(missing_ok=True)
        await self._supervisor.stop()

    def _addresses_of_services(self) -> tuple[str, str]:
        return self._addresses.amqp_url, self._addresses.tracking_dsn

    def _record_file(self) -> Path:
        return self._settings.data / "stack.json"

    def _record(self) -> None:
        """Write addresses and process ids for fault tests; it holds passwords, hence mode 600."""
        content = {
            "url": self.url,
            "amqp_url": self._addresses.amqp_url,
            "tracking_dsn": self._addresses.tracking_dsn,
            "supervisor": os.getpid(),
            "processes": self._supervisor.pids(),
        }
        new = self._record_file().with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(content, indent=2) + "\n")
        new.replace(self._record_file())


async def _until_ready(url: str) -> None:
    try:
        async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as session:
            while not await _answers(session, url):
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        message = f"the services did not answer within {_READY_SECONDS:.0f} s; see their logs"
        raise ProcessFailedError(message) from error


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == HTTPStatus.OK
    except aiohttp.ClientError:
        return False


async def run(settings: StackSettings) -> None:
    """Serve until SIGTERM or SIGINT, also while still starting."""
    stop = asyncio.create_task(stop_signal().wait())
    stack = Stack(settings)
    start = asyncio.create_task(stack.start())
    try:
        await asyncio.wait((start, stop), return_when=asyncio.FIRST_COMPLETED)
        if start.done():
            start.result()
            print(
                f"Warren is ready: {stack.url}    (export MLFLOW_TRACKING_URI={stack.url})",
                flush=True,
            )
            await stop
    finally:
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)
        await stack.stop()


def main() -> None:
    """Read the settings and run."""
    settings = CliApp.run(StackSettings)
    try:
        run_until_signalled(run(settings))
    except* (ProcessFailedError, NoIdentityError, OSError) as errors:
        sys.exit("\n".join(f"Warren could not start: {error}" for error in errors.exceptions))


if __name__ == "__main__":
    main()
