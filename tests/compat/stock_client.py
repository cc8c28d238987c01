"""A stock MLflow client in a virtual environment of its own, which runs scripts against one server."""

import ast
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SCRIPTS = Path(__file__).parent / "clients"
NOT_SCENARIOS = {"launch", "model_api", "scenario"}
METHODS = "methods_"
"""Scripts of this prefix hold a function for each method of MLflow's clients."""
GENAI = "genai_"
"""Scripts of this prefix hold a function for each method of MLflow's API of tracing and evaluation."""
GITLAB = "gitlab_"
"""Scripts of this prefix are about what only GitLab's dialect has."""
TOKEN = "token_"
"""Scripts of this prefix are about what MLflow's API has for those alone who show a token."""
GITLAB_CLIENT = "gitlab_client"
"""That of GitLab's own client."""

# Retries would hide errors of the server, and MLflow's own would take minutes.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Inferring what a model imports loads it in a process of its own, which takes seconds and asks no server. It is
    # given up at once, and the flavour's usual requirements are logged.
    "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "0",
    "GIT_PYTHON_REFRESH": "quiet",
    "MPLBACKEND": "Agg",
}


@dataclass(frozen=True)
class Outcome:
    """How a script ended; zero is well."""

    code: int
    output: str


def topics() -> list[str]:
    """List the scripts that are about none of what the prefixes stand for."""
    found = (path.stem for path in sorted(SCRIPTS.glob("*.py")))
    return [
        each
        for each in found
        if each not in NOT_SCENARIOS and not each.startswith((METHODS, GENAI, GITLAB, TOKEN))
    ]


def with_token() -> list[str]:
    """List the scripts that take a token."""
    return sorted(path.stem for path in SCRIPTS.glob(f"{TOKEN}*.py"))


def methods(prefix: str = METHODS) -> list[str]:
    """List each function of the scripts about methods: `methods_tracking:log_batch`."""
    return [
        f"{path.stem}:{each.name}"
        for path in sorted(SCRIPTS.glob(f"{prefix}*.py"))
        for each in ast.parse(path.read_text()).body
        if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")
    ]


def documentation() -> list[str]:
    """List the scripts that need a project's mount: the code of GitLab's documentation, and refusals."""
    found = sorted(path.stem for path in SCRIPTS.glob(f"{GITLAB}*.py"))
    return [each for each in found if each != GITLAB_CLIENT]


def script_of(scenario: str) -> Path:
    """Return the script that holds a scenario."""
    return SCRIPTS / f"{scenario.partition(':')[0]}.py"


def is_for(scenario: str, version: tuple[int, ...]) -> bool:
    """Return whether a client has what a script or a function of it is about.

    A script says so by its constant ``SINCE``, a function by the decorators `since` and `until`.
    """
    since = _marked(scenario, "since") or _constant(scenario, "SINCE")
    until = _marked(scenario, "until")
    return _version(since) <= version and (not until or version < _version(until))


def is_about_mlflows_dialect(scenario: str) -> bool:
    """Tell whether a script says ``DIALECT = "mlflow"``: it is about what GitLab has other rules for."""
    return _constant(scenario, "DIALECT") == "mlflow"


def _constant(scenario: str, name: str) -> str:
    """Return the text that a script gives to a name at its top, or none."""
    for statement in ast.parse(script_of(scenario).read_text()).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Constant(value=str(text))):
                if found == name:
                    return text
    return ""


def _marked(scenario: str, decorator: str) -> str:
    """Return the text that a decorator of a scenario's function has, or none."""
    _, _, function = scenario.partition(":")
    for statement in ast.parse(script_of(scenario).read_text()).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == function:
            for each in statement.decorator_list:
                match each:
                    case ast.Call(func=ast.Name(id=found), args=[ast.Constant(value=str(text))]):
                        if found == decorator:
                            return text
    return ""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdecimal())


class StockClient:
    """A running `launch.py`; a context manager."""

    def __init__(
        self, venv: Path, tracking_uri: str, directory: Path, token: str | None = None
    ) -> None:
        """Start it; scripts run in `directory`. Without a token it is anonymous.

        GitLab's client lies in a folder beside the environments, and runs in that of MLflow 2.
        """
        environment = {
            **_inherited(),
            **ENVIRONMENT,
            "MLFLOW_TRACKING_URI": tracking_uri,
            "PYTHONPATH": str(venv.parent / "gitlab-mlops"),
        }
        if token:
            environment["MLFLOW_TRACKING_TOKEN"] = token
        self._process = subprocess.Popen(
            [venv / "bin" / "python", SCRIPTS / "launch.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=directory,
            env=environment,
            text=True,
        )
        self.version = _version(self._readline())

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let it end."""
        self._process.communicate(timeout=30)

    def run(self, scenario: str, environment: Mapping[str, str] | None = None) -> Outcome:
        """Run one script to its end, or one function of it, with more in its environment."""
        assert self._process.stdin is not None
        wanted = {
            "script": str(script_of(scenario)),
            "function": scenario.partition(":")[2],
            "environment": dict(environment or {}),
        }
        self._process.stdin.write(f"{json.dumps(wanted)}\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._readline()))

    def _readline(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the client's process ended with code {self._process.wait()}"
        return line


def _inherited() -> dict[str, str]:
    """Keep MLflow's variables and Python's paths of the developer's shell out of the client."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW_", "PYTHON", "WARREN_"))
    }
