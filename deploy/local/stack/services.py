"""The service processes. As in containers, environment variables are their only configuration."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.embedded.process import ChildProcess, Program, free_ports
from deploy.local.stack.servers import Addresses
from deploy.local.stack.settings import StackSettings
from deploy.services import POSTGRES_SERVICES, settings_of
from shared.runtime.settings import variables as variables_of

_ROOT = Path(__file__).parents[3]
_DRAIN_SECONDS = 30.0


class ServiceProcess(ChildProcess):
    """A process `python -m services.<name>`. Stopping may take a while, because it finishes its work.

    `monitor` is the URL of its monitoring listener. It stays the same after a restart.
    """

    def __init__(self, program: Program, monitor: str) -> None:
        """Store the program; `start` runs it."""
        super().__init__(program)
        self.monitor = monitor

    async def stop(self, grace: float = _DRAIN_SECONDS) -> None:
        """Stop the process: it drains, and is killed after `grace` seconds."""
        await super().stop(grace)


def plan(settings: StackSettings, addresses: Addresses) -> list[tuple[str, ServiceProcess]]:
    """Return every process to start. The gateways are last, so they stop first.

    Each process inherits the variables of its own service. The stack's settings, and the values that it chooses
    itself, override them.
    """
    common = {
        "WARREN_LOG_LEVEL": settings.log_level,
        "WARREN_TRACING_ENDPOINT": settings.tracing.endpoint,
        "WARREN_TRACING_RATIO": str(settings.tracing.ratio),
    }
    variables = {
        name: common | {f"WARREN_{name.upper()}_DSN": addresses.dsns[name]}
        for name in POSTGRES_SERVICES
    }
    if settings.root_token:
        variables["access"]["WARREN_ROOT_TOKEN"] = settings.root_token
    limit = {"WARREN_MAX_ARTIFACT_BYTES": str(settings.max_artifact_bytes)}
    variables["artifacts"] = common | limit | _s3_variables(addresses)
    ca_file = addresses.s3.ca_file if addresses.s3 else None
    variables["gateway"] = (
        common
        | limit
        | ({"WARREN_STORAGE_CA_FILE": str(ca_file)} if ca_file else {})
        | {
            "WARREN_DIRECT_ARTIFACTS": str(settings.direct_artifacts),
            "WARREN_HOST": settings.host,
            "WARREN_PORT": str(settings.port),
            "WARREN_REUSE_PORT": "1" if settings.gateway > 1 else "0",
        }
    )
    if settings.access_mode:
        variables["gateway"]["WARREN_ACCESS_MODE"] = settings.access_mode
    own = {name: {"WARREN_AMQP_URL": addresses.amqp_urls[name]} for name in variables}
    planned = [
        (name, number) for name in variables for number in range(1, settings.count(name) + 1)
    ]
    return [
        (name, _process(f"{name}-{number}", name, variables[name] | own[name], port, settings.data))
        for (name, number), port in zip(planned, free_ports(len(planned)), strict=True)
    ]


def _s3_variables(addresses: Addresses) -> dict[str, str]:
    given = addresses.s3.model_dump() if addresses.s3 else {}
    return {
        f"WARREN_S3_{name.upper()}": str(value)
        for name, value in given.items()
        if value is not None
    }


def _process(
    name: str, service: str, variables: Mapping[str, str], port: int, data: Path
) -> ServiceProcess:
    # Of Warren's variables a process inherits only the variables of its own service.
    known = set(variables_of(settings_of(service)))
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key in known or not key.startswith("WARREN_")
    }
    monitor = {"WARREN_MONITOR_HOST": "127.0.0.1", "WARREN_MONITOR_PORT": str(port)}
    return ServiceProcess(
        Program(
            name=name,
            arguments=(sys.executable, "-m", f"services.{service}"),
            environment={**inherited, "PYTHONUNBUFFERED": "1", **variables, **monitor},
            directory=_ROOT,
            log=data.absolute() / "log" / f"{name}.log",
        ),
        monitor=f"http://127.0.0.1:{port}",
    )
