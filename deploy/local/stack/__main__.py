"""`python -m deploy.local.stack --gateway 2 --tracking 3`: Warren as processes on one machine."""

import asyncio
import json
import os
from pathlib import Path

from deploy.local.embedded.lock import DirectoryLock, make_writable
from deploy.local.embedded.private import restrict_data, write_private
from deploy.local.embedded.progress import announce
from deploy.local.stack.readiness import until_ready
from deploy.local.stack.servers import Addresses, start_servers
from deploy.local.stack.services import plan
from deploy.local.stack.settings import StackSettings
from deploy.local.stack.supervisor import Supervisor
from services.gateway.http.settings import HttpSettings
from services.gateway.http.tls import server_context
from services.gateway.http.web_address import hints, url_of
from services.gateway.settings import Settings as GatewaySettings
from shared.runtime.listening import refuse_taken_port
from shared.runtime.settings import WrongSettingsError, exit_with, read_environment, read_settings
from shared.runtime.starting import exit_on_start_error, starting
from shared.serving.process import run_until_signalled, stop_signal


class Stack:
    """All processes of one Warren, and the file stack.json that describes them to other programs."""

    def __init__(self, settings: StackSettings, http: HttpSettings) -> None:
        self._settings = settings
        self._lock = DirectoryLock(settings.data)
        self._recorded = False
        self._addresses = Addresses()
        self._supervisor = Supervisor(self._record)
        self._monitors: dict[str, list[str]] = {}
        self.url = url_of(settings.host, settings.port, http)

    async def start(self) -> None:
        """Start everything and return when every part serves requests."""
        data = self._settings.data
        # Checked first: gateways share their port, so a second Warren on it would go unnoticed.
        refuse_taken_port(self._settings.host, self._settings.port)
        self._lock.take()
        make_writable(data / "log")
        restrict_data(data)
        self._addresses = await start_servers(self._settings, self._supervisor)
        announce(f"Starting the services; their logs are in {data / 'log'} ...")
        processes = []
        for name, process in plan(self._settings, self._addresses):
            await process.start()
            processes.append(process)
            self._supervisor.watch(name, process)
            self._monitors.setdefault(name, []).append(process.monitor)
        await until_ready(self.url, processes)
        self._record()

    def first_token(self) -> list[str]:
        """Return a line that names the log with a new administrator's token, if there is one."""
        log = self._settings.data / "log" / "access-1.log"
        shown = "administrator's token" in log.read_text(errors="replace")
        return (
            [f"The administrator's token, which the first start made, is in {log}"] if shown else []
        )

    async def stop(self) -> None:
        """Stop every process and delete stack.json."""
        if self._recorded:  # Otherwise the file is another stack's, or its directory is missing.
            self._record_file().unlink(missing_ok=True)
        await self._supervisor.stop()
        self._lock.release()

    def _record_file(self) -> Path:
        return self._settings.data / "stack.json"

    def _record(self) -> None:
        """Write addresses and process ids for fault tests. The file holds passwords, so its mode is 600."""
        content = {
            "url": self.url,
            "amqp_url": self._addresses.amqp_url,
            "dsns": dict(self._addresses.dsns),
            "s3": self._addresses.s3.model_dump(mode="json") if self._addresses.s3 else None,
            "monitors": self._monitors,
            "supervisor": os.getpid(),
            "processes": self._supervisor.pids(),
        }
        write_private(self._record_file(), json.dumps(content, indent=2) + "\n")
        self._recorded = True


async def run(settings: StackSettings, http: HttpSettings) -> None:
    """Serve until SIGTERM or SIGINT, which also stop a start in progress. Raises StartError."""
    stop = asyncio.create_task(stop_signal().wait())
    stack = Stack(settings, http)
    start = asyncio.create_task(stack.start())
    try:
        await asyncio.wait((start, stop), return_when=asyncio.FIRST_COMPLETED)
        if start.done():
            with starting():
                start.result()
            ready = f"Warren is ready: {stack.url}    (export MLFLOW_TRACKING_URI={stack.url})"
            lines = [ready, *hints(settings.host, settings.port, http), *stack.first_token()]
            print("\n".join(lines), flush=True)
            await stop
    finally:
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)
        await stack.stop()


def gateways_http() -> HttpSettings:
    """Return the gateways' HTTP settings. The gateway processes read the same variables themselves."""
    try:
        return read_environment(GatewaySettings).http
    except WrongSettingsError as error:
        exit_with(error.message)


def main() -> None:
    """Read the settings and run the stack."""
    settings = read_settings(StackSettings)
    http = gateways_http()
    with exit_on_start_error("Warren"):
        server_context(http)
        run_until_signalled(run(settings, http))


if __name__ == "__main__":
    main()
