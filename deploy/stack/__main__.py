"""`python -m deploy.stack --gateway 2 --tracking 3`: Warren as processes on one machine."""

import asyncio
import json
import os
import sys
from itertools import chain
from pathlib import Path

from deploy.stack.readiness import refuse_taken_port, until_ready
from deploy.stack.servers import Addresses, start_servers
from deploy.stack.services import plan
from deploy.stack.settings import StackSettings
from deploy.stack.supervisor import Supervisor
from shared.embedded.progress import announce
from shared.process import run_until_signalled, stop_signal
from shared.settings import read_settings


class Stack:
    """All processes of one Warren, and the file that tells other programs about them."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._addresses = Addresses()
        self._supervisor = Supervisor(self._record)
        self._monitors: dict[str, list[str]] = {}
        self.url = f"http://{settings.host}:{settings.port}"

    async def start(self) -> None:
        """Return when a request is answered by every part."""
        data = self._settings.data
        refuse_taken_port(self._settings.host, self._settings.port)
        (data / "log").mkdir(parents=True, exist_ok=True)
        self._addresses = await start_servers(self._settings, self._supervisor)
        announce(f"Starting the services; their logs are in {data / 'log'} ...")
        for name, process in plan(self._settings, self._addresses):
            await process.start()
            self._supervisor.watch(name, process)
            self._monitors.setdefault(name, []).append(process.monitor)
        await until_ready(self.url, list(chain.from_iterable(self._monitors.values())))
        self._record()

    async def stop(self) -> None:
        """End every process."""
        self._record_file().unlink(missing_ok=True)
        await self._supervisor.stop()

    def _record_file(self) -> Path:
        return self._settings.data / "stack.json"

    def _record(self) -> None:
        """Write addresses and process ids for fault tests; it holds passwords, hence mode 600."""
        content = {
            "url": self.url,
            "amqp_url": self._addresses.amqp_url,
            "dsns": dict(self._addresses.dsns),
            "s3": self._addresses.s3.model_dump(mode="json") if self._addresses.s3 else None,
            "monitors": self._monitors,
            "supervisor": os.getpid(),
            "processes": self._supervisor.pids(),
        }
        new = self._record_file().with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(content, indent=2) + "\n")
        new.replace(self._record_file())


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
    settings = read_settings(StackSettings)
    try:
        run_until_signalled(run(settings))
    except* OSError as errors:
        sys.exit("\n".join(f"Warren could not start: {error}" for error in errors.exceptions))


if __name__ == "__main__":
    main()
