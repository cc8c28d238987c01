"""A project of docker-compose.yml, under a name, a port and passwords of its own."""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.rest import Api, api

ROOT = Path(__file__).parents[2]
PROJECT = "warren-test"
PORT = 5055
RUNS_ONCE = {"provision"}


class Stack:
    """Compose's commands on the project; each fails the test with what Compose said."""

    def __init__(self, directory: Path) -> None:
        """Make the environment file; nothing runs yet."""
        self.url = f"http://127.0.0.1:{PORT}"
        self._env_file = directory / "env"
        self._env_file.write_text(f"WARREN_PORT={PORT}\nCOMPOSE_PROFILES=\n")
        script = ROOT / "deploy/compose/env.sh"
        subprocess.run([script, ROOT / ".env.example", self._env_file], check=True)
        lines = self._env_file.read_text().splitlines()
        [self.token] = (x.partition("=")[2] for x in lines if x.startswith("WARREN_ROOT_TOKEN="))

    def compose(self, *arguments: str) -> str:
        """Run `docker compose …` and return what it printed."""
        command = ["docker", "compose", "-p", PROJECT, "--env-file", str(self._env_file)]
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def up(self, **scale: int) -> None:
        """Start what is missing, of the image that was built before, and wait until all is healthy."""
        counts = [
            part for name, number in scale.items() for part in ("--scale", f"{name}={number}")
        ]
        self.compose("up", "-d", "--wait", "--no-build", *counts)

    def down(self, *options: str) -> None:
        """Remove the containers, and with `-v` the data."""
        if log := os.environ.get("WARREN_COMPOSE_LOGS"):
            with Path(log).open("a") as file:
                file.write(self.compose("logs", "--no-color"))
        self.compose("--profile", "observability", "down", *options)

    def api(self, connections: int = 100) -> AbstractAsyncContextManager[Api]:
        """Open MLflow's API as the administrator."""
        return api(self.url, connections, self.token)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Open a session as the administrator."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession(self.url, headers=headers) as session:
            yield session

    def containers(self, *services: str) -> list[Mapping[str, Any]]:
        """Return what Docker knows of each container, stopped ones too."""
        ids = self.compose("ps", "-aq", *services).split()
        inspected = subprocess.run(["docker", "inspect", *ids], check=True, capture_output=True)
        found: list[Mapping[str, Any]] = json.loads(inspected.stdout)
        return found

    def python(self, container: Mapping[str, Any], code: str) -> subprocess.CompletedProcess[str]:
        """Run Python inside one container of ours."""
        command = ["docker", "exec", container["Id"], "python", "-c", code]
        return subprocess.run(command, check=False, capture_output=True, text=True)


def service_of(container: Mapping[str, Any]) -> str:
    """Return the service that a container belongs to."""
    name: str = container["Config"]["Labels"]["com.docker.compose.service"]
    return name
