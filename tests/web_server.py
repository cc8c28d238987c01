"""Warren and its peers as child processes that answer MLflow's API."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from deploy.local.embedded.process import ChildProcess, ProcessFailedError, Program, free_ports
from deploy.services import POSTGRES_SERVICES
from services.artifacts.settings import S3Settings

ROOT = Path(__file__).parents[1]
_START_SECONDS = 240.0
ROOT_TOKEN = "glpat-of_the_administrator_in_tests"
"""GitLab's client takes none without this prefix and 20 characters more."""
GITLAB_URL = "https://gitlab.example.com"
_PROBE = "/api/2.0/mlflow/experiments/get?experiment_id=0"


@dataclass(frozen=True)
class WebServer:
    """A server, its address, and the folder of its data; its log lies beside that."""

    url: str
    data: Path
    process: ChildProcess
    record: Path | None = None
    """A file that the server writes when it is wholly up, which may be after its first answer."""

    async def start(self) -> None:
        """Start and return when it answers an API call (`mlflow server` needs more than a minute the first time)."""
        self.data.mkdir(parents=True, exist_ok=True)
        await self.process.start()
        try:
            async with asyncio.timeout(_START_SECONDS), aiohttp.ClientSession() as session:
                while not await self._answers(session):
                    await asyncio.sleep(0.2)
        except (TimeoutError, ProcessFailedError) as error:
            await self.process.stop()
            reasons = [self.process.describe_failure(), *self.process.log_end()]
            raise ProcessFailedError("\n".join(reasons)) from error

    async def stop(self) -> None:
        """Stop gently."""
        await self.process.stop(grace=30)

    def pids(self, service: str) -> list[int]:
        """Return the process ids of one service, from the file that the stack keeps for this."""
        running: dict[str, list[int]] = self.recorded()["processes"]
        return running[service]

    def recorded(self) -> dict[str, Any]:
        """Return what a stack says of itself: addresses, keys, process ids."""
        content: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        return content

    async def kill_one(self, service: str) -> None:
        """Kill a process of a service as a crash would; return when another has taken its place."""
        await self.end_one(service, signal.SIGKILL)
        await self.all_ready()

    async def end_one(self, service: str, number: signal.Signals, index: int = 0) -> None:
        """Send a signal to a process of a service; return when the stack has started another."""
        before = self.pids(service)
        os.kill(before[index], number)
        while before[index] in (now := self.pids(service)) or len(now) < len(before):
            await asyncio.sleep(0.02)

    async def all_ready(self) -> None:
        """Wait until every process of the stack says that it is ready; else say which does not, and why."""
        unready = ""
        try:
            async with asyncio.timeout(_START_SECONDS), aiohttp.ClientSession() as session:
                for url in itertools.chain.from_iterable(self.recorded()["monitors"].values()):
                    while unready := await _unready(session, url):
                        await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise ProcessFailedError("\n".join([unready, *self._ends_of_logs()])) from error

    def _ends_of_logs(self) -> list[str]:
        return [
            f"{log.name}: {line}"
            for log in sorted((self.data / "log").glob("*.log"))
            for line in log.read_text(errors="replace").splitlines()[-5:]
        ]

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        if not self.process.running:
            raise ProcessFailedError
        if self.record is not None and not self.record.exists():
            return False
        try:
            async with session.get(self.url + _PROBE) as response:
                # A server that asks for tokens refuses the probe as soon as it can read tokens.
                return response.status in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}
        except aiohttp.ClientError:
            return False


async def _unready(session: aiohttp.ClientSession, monitor: str) -> str:
    """Return what a process says that is not ready; nothing if it is."""
    try:
        async with session.get(f"{monitor}/health/ready") as response:
            said = await response.text()
            return "" if response.status == HTTPStatus.OK else f"{monitor}: {said}"
    except aiohttp.ClientError as error:
        return f"{monitor}: {error!r}"


def standalone(
    data: Path,
    *,
    direct_artifacts: bool = False,
    ui_directory: str = "",
    access_mode: str = "",
) -> WebServer:
    """Describe `make run`: everything in one process, and a PostgreSQL; ROOT_TOKEN is the administrator's.

    Clients may go to the storage themselves where `direct_artifacts` says so. The web UI is there if its directory is named.
    """
    own = {
        "WARREN_ROOT_TOKEN": ROOT_TOKEN,
        "WARREN_GITLAB_URL": GITLAB_URL,
        "WARREN_DIRECT_ARTIFACTS": str(direct_artifacts),
        "WARREN_UI_DIRECTORY": ui_directory,
    }
    if access_mode:
        own["WARREN_ACCESS_MODE"] = access_mode
    return _warren(data, ("deploy.local.standalone",), own)


def stack(
    data: Path,
    dsn: str,
    amqp_url: str = "",
    s3: S3Settings | None = None,
    root_token: str = "",
    **processes: int,
) -> WebServer:
    """Describe `make stack` on a PostgreSQL that runs already; what else is not given it brings itself.

    Clients may go to its storage themselves. `processes` are the numbers of processes by service, where it is not to be one.
    """
    servers = {f"WARREN_{name.upper()}_DSN": dsn for name in POSTGRES_SERVICES}
    servers["WARREN_DIRECT_ARTIFACTS"] = "true"
    if amqp_url:
        servers["WARREN_AMQP_URL"] = amqp_url
    if root_token:
        servers["WARREN_ROOT_TOKEN"] = root_token
    if s3:
        servers |= variables_of(s3)
    return _stack(data, [f"--{name}={count}" for name, count in processes.items()], servers)


def variables_of(s3: S3Settings) -> dict[str, str]:
    """Return the environment that names this storage."""
    return {f"WARREN_S3_{name.upper()}": str(value) for name, value in s3 if value is not None}


def own_stack(data: Path) -> WebServer:
    """Describe `make stack` with servers of its own."""
    return _stack(data, [], {})


def web_server(
    arguments: Sequence[str], environment: Mapping[str, str], data: Path, port: int, directory: Path
) -> WebServer:
    """Describe any server that will listen on `port`."""
    program = Program(
        name=data.name,
        arguments=arguments,
        environment={**os.environ, **environment},
        directory=directory,
        log=data.with_name(f"{data.name}.log"),
    )
    return WebServer(f"http://127.0.0.1:{port}", data, ChildProcess(program))


def _stack(data: Path, options: Sequence[str], environment: Mapping[str, str]) -> WebServer:
    described = _warren(data, ("deploy.local.stack", *options), environment)
    return replace(described, record=data / "stack.json")


def _warren(data: Path, module: Sequence[str], environment: Mapping[str, str]) -> WebServer:
    (port,) = free_ports(1)
    own = {"WARREN_HOST": "127.0.0.1", "WARREN_PORT": str(port), "WARREN_DATA": str(data)}
    return web_server((sys.executable, "-m", *module), {**own, **environment}, data, port, ROOT)
