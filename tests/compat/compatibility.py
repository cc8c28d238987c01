"""docs/compatibility.md, written from the outcomes of a run of this folder's tests."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from tests.compat import without_row
from tests.compat.stock_client import GENAI, GITLAB, TOKEN, script_of
from tests.web_server import ROOT

HEAD = """# Compatibility

What unchanged MLflow clients do against Warren, as `make compatibility` saw it: each row is a script of
`tests/compat/clients/`, run against `make run` (standalone: one process), against `make stack` (gateway, RabbitMQ,
services), and at the tracking URI of the root project (project: `/api/v4/projects/1/ml/mlflow` of `make run`).
"n/a": the client does not have this, or GitLab has other rules for it. What MLflow's server has and Warren has not is
[at the end](#what-is-not-there).
"""
TOKEN_HEAD = """
## What takes a token

Scripts that show one at the root of `make run`: more than the one project, as MLflow's workspaces.
"""
METHODS_HEAD = """
## The methods that GitLab lists

Each method of the two tables in GitLab's "MLflow client compatibility", used without the caveats that GitLab has about
it (`tests/compat/clients/methods_*.py`).
"""
GENAI_HEAD = """
## The methods of tracing and evaluation

Each method of `mlflow`, `mlflow.genai` and `MlflowClient` for traces and what is made of them
(`tests/compat/clients/genai_*.py`). "n/a": that release does not have the method.
"""
GITLAB_HEAD = """
## GitLab's documentation and its own client

The code blocks of that page, what a project's tracking URI refuses, and everything that gitlab-mlops offers, which
runs on MLflow 2 alone.
"""
SIGNS = {"passed": "yes", "failed": "**no**", "skipped": "n/a"}

Outcomes = Mapping[tuple[str, str, str], str]
"""pytest's word by scenario, client and server."""


def page(outcomes: Outcomes, absences: str) -> str:
    """Return the page as Markdown: a row a scenario, a column for each client on each server.

    ``absences`` is the part about what is not there.
    """
    scenarios = sorted({scenario for scenario, _, _ in outcomes})
    gitlab = [each for each in scenarios if each.startswith(GITLAB)]
    genai = [each for each in scenarios if each.startswith(GENAI)]
    methods = [each for each in scenarios if ":" in each and each not in genai]
    token = [each for each in scenarios if each.startswith(TOKEN)]
    topics = [each for each in scenarios if each not in {*gitlab, *genai, *methods, *token}]
    before = ((HEAD, topics), (TOKEN_HEAD, token), (METHODS_HEAD, methods), *_by_script(genai))
    after = ((GITLAB_HEAD, gitlab),)
    return f"{_tables(before, outcomes)}{without_row.table()}{_tables(after, outcomes)}{absences}"


def _tables(parts: Iterable[tuple[str, Sequence[str]]], outcomes: Outcomes) -> str:
    return "".join(f"{head}\n{_table(rows, outcomes)}" for head, rows in parts)


def _by_script(scenarios: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Return a heading and the functions for each script; the first heading also opens the part."""
    opening = GENAI_HEAD
    for script, found in groupby(scenarios, key=script_of):
        yield f"{opening}\n### {_first_line(script).removesuffix('.')}\n", list(found)
        opening = ""


def _table(scenarios: Sequence[str], outcomes: Outcomes) -> str:
    columns = sorted({(client, server) for each, client, server in outcomes if each in scenarios})
    titles = " | ".join(f"mlflow {version_of(client)}, {server}" for client, server in columns)
    lines = [f"| what | {titles} |", "|---|" + "---|" * len(columns)]
    for scenario in scenarios:
        cells = (SIGNS[outcomes.get((scenario, *column), "skipped")] for column in columns)
        lines.append(f"| {_title(scenario)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def version_of(client: str) -> str:
    """Return the version that a client's lock file names."""
    lock = (ROOT / "requirements" / f"{client}.txt").read_text()
    found = re.search(r"^mlflow==(\S+)", lock, re.MULTILINE)
    return found[1] if found else client


def _title(scenario: str) -> str:
    """Return the name of the method, or the first line of the script's docstring."""
    _, _, method = scenario.partition(":")
    if method:
        return f"`{method}`"
    return _first_line(script_of(scenario)).replace("|", "\\|")


def _first_line(script: Path) -> str:
    return (ast.get_docstring(ast.parse(script.read_text())) or script.stem).partition("\n")[0]
