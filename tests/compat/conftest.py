"""The stock clients, each in its own virtual environment, and the servers that they talk to."""

import functools
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from services.gateway.app import create_app
from services.gateway.settings import Settings
from shared.contracts.root_project import ROOT_PROJECT
from tests.compat.absences import Route, absent, routes_of, section
from tests.compat.compatibility import page, version_of
from tests.compat.stock_client import StockClient
from tests.unit.gateway.fake_bus import FakeBus
from tests.warren_fixtures import stack_warren, standalone_warren
from tests.web_server import ROOT, ROOT_TOKEN

__all__ = ["stack_warren", "standalone_warren"]

NEWEST = "mlflow-latest"
CLIENTS = ("mlflow-2.22.5", NEWEST)
PAGE = ROOT / "docs" / "compatibility.md"
SERVERS = ("standalone", "stack", "project")
WITH_TOKEN = ("project", "token")
"""The kinds of server at which the client sends the administrator's token: a project's mount, and a server's root."""

StartClient = Callable[[str, str, str | None], StockClient]
"""From a client's name, a tracking URI and a token, if any."""

PROJECT_MOUNT = f"/api/v4/projects/{ROOT_PROJECT}/ml/mlflow"


def venv_of(client: str) -> Path:
    """Find a client's environment; `make test` makes them, and WARREN_COMPAT_VENVS names another place."""
    venv = Path(os.environ.get("WARREN_COMPAT_VENVS", ROOT / ".venvs")) / client
    if not (venv / "bin" / "python").exists():
        pytest.fail(f"there is no environment of {client}; `make test` makes it", pytrace=False)
    return venv


def absences() -> Mapping[str, Sequence[Route]]:
    """Return the routes that the newest MLflow's server has and Warren has not, by family."""
    return absent(routes_of(venv_of(NEWEST) / "bin" / "python"), create_app(FakeBus(), Settings()))


@pytest.fixture(scope="session")
def start_client(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[StartClient]:
    """Start each client once for each server: its import of MLflow takes longer than most scripts."""
    with ExitStack() as clients:

        @functools.cache
        def start(client: str, url: str, token: str | None) -> StockClient:
            return clients.enter_context(
                StockClient(venv_of(client), url, tmp_path_factory.mktemp(client), token)
            )

        yield start


@pytest.fixture(params=SERVERS)
def tracking_uri(request: pytest.FixtureRequest) -> str:
    """Return the tracking URI: the root of a server, or a project's mount."""
    if request.param in WITH_TOKEN:
        mount = PROJECT_MOUNT if request.param == "project" else ""
        return f"{request.getfixturevalue('standalone_warren').url}{mount}"
    url: str = request.getfixturevalue(f"{request.param}_warren").url
    return url


@pytest.fixture(params=CLIENTS)
def stock_client(
    request: pytest.FixtureRequest,
    tracking_uri: str,
    start_client: StartClient,
) -> StockClient:
    """A client of each version for each server."""
    server = request.node.callspec.params["tracking_uri"]
    return start_client(request.param, tracking_uri, ROOT_TOKEN if server in WITH_TOKEN else None)


_outcomes: dict[tuple[str, str, str], str] = {}

CELL = "cell of the compatibility page"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write on each report which script, client and server it is about."""
    report = yield
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if "scenario" in parameters:
        cell = [parameters[name] for name in ("scenario", "stock_client", "tracking_uri")]
        report.user_properties.append((CELL, cell))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember how each script ended; where workers share the tests, this is told of all of them."""
    cell: Any = dict(report.user_properties).get(CELL)
    if cell and (report.when == "call" or report.outcome != "passed"):
        _outcomes[tuple(cell)] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page where `make compatibility` asks for it."""
    path = os.environ.get("WARREN_COMPATIBILITY_PAGE")
    if path and _outcomes and not hasattr(session.config, "workerinput"):
        Path(path).write_text(page(_outcomes, section(absences(), version_of(NEWEST))))
