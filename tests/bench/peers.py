"""The three servers, each a child process with its own database on the same PostgreSQL server."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from shared.embedded.process import ChildProcess, ProcessFailedError, Program, free_ports

ROOT = Path(__file__).parents[2]
START_SECONDS = 240.0
WARREN, MLFLOW, FASTTRACKML = "Warren", "mlflow server", "FastTrackML"


@dataclass
class Peer:
    """A server under test: its process, its address, and what `prepare` has put into it."""

    name: str
    version: str
    url: str
    process: ChildProcess
    data: Path
    runs: list[str] = field(default_factory=list)
    history_runs: list[str] = field(default_factory=list)
    written_experiment: str = ""
    searched_experiment: str = ""

    async def start(self) -> None:
        """Start the server and return when it answers an API call; mlflow needs more than a minute the first time."""
        self.data.mkdir(parents=True, exist_ok=True)
        await self.process.start()
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        async with aiohttp.ClientSession() as session:
            while not await self._answers(session):
                if not self.process.running or asyncio.get_running_loop().time() > deadline:
                    raise ProcessFailedError(self.process.describe_failure())
                await asyncio.sleep(0.3)

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        url = f"{self.url}/api/2.0/mlflow/experiments/get?experiment_id=0"
        try:
            async with session.get(url) as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


def warren(data: Path, dsn: str) -> Peer:
    """Describe Warren as `make stack` runs it: one gateway, one tracking worker, a real RabbitMQ."""
    (port,) = free_ports(1)
    environment = {
        "WARREN_PORT": str(port),
        "WARREN_HOST": "127.0.0.1",
        "WARREN_DATA": str(data),
        "WARREN_TRACKING_DSN": dsn,
    }
    arguments = [sys.executable, "-m", "deploy.stack", "--gateway", "1", "--tracking", "1"]
    program = _program(WARREN, arguments, environment, data, ROOT)
    return Peer(WARREN, "this commit", f"http://127.0.0.1:{port}", ChildProcess(program), data)


def mlflow(data: Path, dsn: str, venv: Path) -> Peer:
    """Describe `mlflow server` with its defaults (four uvicorn workers)."""
    (port,) = free_ports(1)
    # SQLAlchemy 2.1 no longer takes plain postgresql:// for psycopg2.
    uri = dsn.replace("postgresql://", "postgresql+psycopg2://", 1)
    arguments = [str(venv / "bin" / "mlflow"), "server", "--port", str(port)]
    arguments += ["--backend-store-uri", uri, "--artifacts-destination", str(data / "artifacts")]
    environment = {
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    program = _program(MLFLOW, arguments, environment, data, data)
    return Peer(MLFLOW, _version(venv, "mlflow"), f"http://127.0.0.1:{port}", ChildProcess(program), data)


def fasttrackml(data: Path, dsn: str, venv: Path) -> Peer:
    """Describe FastTrackML with its defaults; it is one Go program."""
    (port,) = free_ports(1)
    arguments = [str(venv / "bin" / "fml"), "server", "--listen-address", f"127.0.0.1:{port}"]
    # Its warnings quote whole SQL statements: writing them would be measured too.
    arguments += ["--database-uri", dsn, "--default-artifact-root", str(data / "artifacts"), "--log-level", "fatal"]
    program = _program(FASTTRACKML, arguments, {}, data, data)
    return Peer(FASTTRACKML, _version(venv, "fasttrackml"), f"http://127.0.0.1:{port}", ChildProcess(program), data)


def warren_processes(peer: Peer) -> dict[str, list[int]]:
    """Read which process ids of the running stack belong to which service, from the file that it keeps for this."""
    stack = json.loads((peer.data / "stack.json").read_text())
    return dict(_pids(stack))


def _pids(stack: object) -> Iterator[tuple[str, list[int]]]:
    if not isinstance(stack, dict):
        return
    for service, value in stack.get("pids", stack).items():
        pids = value if isinstance(value, list) else [value]
        if all(isinstance(pid, int) for pid in pids):
            yield service, pids


def _program(name: str, arguments: list[str], environment: dict[str, str], data: Path, directory: Path) -> Program:
    return Program(
        name=name,
        arguments=arguments,
        environment={**os.environ, **environment},
        directory=directory,
        log=data.with_suffix(".log"),
    )


def _version(venv: Path, package: str) -> str:
    """Read a package's version from the name of its metadata folder."""
    found = sorted(venv.glob(f"lib/python*/site-packages/{package}-*.dist-info"))
    return found[0].name.removeprefix(f"{package}-").removesuffix(".dist-info") if found else "unknown"
