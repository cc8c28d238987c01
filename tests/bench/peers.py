"""The three servers, each with its own database on the same PostgreSQL server."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.local.embedded.process import free_ports
from services.artifacts.settings import S3Settings
from tests.bench.operations import Operation
from tests.web_server import ROOT_TOKEN, WebServer, stack, web_server

WARREN, MLFLOW, FASTTRACKML = "Warren", "mlflow server", "FastTrackML"
WITH_TOKEN = "Warren, asked with a token"


@dataclass
class Peer:
    """A server under test, and what `prepare` has put into it."""

    name: str
    version: str
    server: WebServer
    runs: list[str] = field(default_factory=list)
    history_runs: list[str] = field(default_factory=list)
    written_experiment: str = ""
    searched_experiment: str = ""
    token: str = ""
    traces: list[str] = field(default_factory=list)
    traced_experiment: str = ""
    searched_traces: str = ""
    templates: Path = Path()

    def takes_part(self, operation: Operation) -> bool:
        """Tell whether it is measured: FastTrackML has no registry and no traces, and what a token costs is asked once."""
        if self.token:
            return operation.name == "log-metric"
        return self.name != FASTTRACKML or not (operation.of_registry or operation.of_traces)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.url


def warren(data: Path, dsn: str, amqp_url: str) -> Peer:
    """Describe Warren as `make stack` runs it: one gateway, one tracking worker, a real RabbitMQ."""
    return Peer(WARREN, "at this commit", stack(data, dsn, amqp_url, root_token=ROOT_TOKEN))


def with_token(peer: Peer) -> Peer:
    """Describe the same Warren, and the same runs, for clients that show the administrator's token."""
    return replace(peer, name=WITH_TOKEN, token=ROOT_TOKEN)


def mlflow(data: Path, dsn: str, venv: Path, s3: S3Settings | None = None) -> Peer:
    """Describe `mlflow server` with its defaults (four uvicorn workers); artifacts go to `s3`, or to files."""
    (port,) = free_ports(1)
    # SQLAlchemy 2.1 no longer takes plain postgresql:// for psycopg2.
    uri = dsn.replace("postgresql://", "postgresql+psycopg2://", 1)
    arguments = [str(venv / "bin" / "mlflow"), "server", "--port", str(port)]
    # Its parent process ends workers that need more than five seconds to start.
    arguments += ["--uvicorn-opts", "--timeout-worker-healthcheck 120"]
    destination = f"s3://{s3.bucket}" if s3 else str(data / "artifacts")
    arguments += ["--backend-store-uri", uri, "--artifacts-destination", destination]
    environment = {
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    if s3:
        environment |= {
            "MLFLOW_S3_ENDPOINT_URL": s3.endpoint,
            "AWS_ACCESS_KEY_ID": s3.access_key,
            "AWS_SECRET_ACCESS_KEY": s3.secret_key,
            "AWS_DEFAULT_REGION": s3.region,
        }
    server = web_server(arguments, environment, data, port, data)
    return Peer(MLFLOW, _version(venv, "mlflow"), server)


def fasttrackml(data: Path, dsn: str, venv: Path) -> Peer:
    """Describe FastTrackML with its defaults; it is one Go program."""
    (port,) = free_ports(1)
    arguments = [str(venv / "bin" / "fml"), "server", "--listen-address", f"127.0.0.1:{port}"]
    arguments += ["--database-uri", dsn, "--default-artifact-root", str(data / "artifacts")]
    # Its warnings quote whole SQL statements: writing them would be measured too.
    arguments += ["--log-level", "fatal"]
    server = web_server(arguments, {}, data, port, data)
    return Peer(FASTTRACKML, _version(venv, "FastTrackML"), server)


def _version(venv: Path, package: str) -> str:
    """Read a package's version from the name of its metadata folder."""
    found = sorted(venv.glob(f"lib/python*/site-packages/{package}-*.dist-info"))
    if not found:
        return "unknown"
    return found[0].name.removeprefix(f"{package}-").removesuffix(".dist-info")
