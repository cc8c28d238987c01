"""What MLflow's server has and Warren has not: the one's table of routes minus the other's."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from services.gateway.app import App

SCRIPT = Path(__file__).with_name("server_routes.py")
_PREFIX = re.compile(r"^/(?:ajax-)?api/\d\.\d/?|^/")
"""The same endpoint is under several; one path of MLflow's lacks the slash after it."""

_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>|\{(\w+)\}")
_FAMILIES = {"gateway": "gateway to language models"}
"""Where the first segment of a path would mislead: Warren's own gateway is another one."""

_WEB_PAGES = ("build/", "static-files/")


class Route(NamedTuple):
    """A method and a path as the server has it."""

    method: str
    path: str

    @property
    def endpoint(self) -> str:
        """The path without its prefixes, its variables written in one way."""
        named = _VARIABLE.sub(lambda found: f"{{{found[1] or found[2]}}}", self.path)
        return _PREFIX.sub("", named).removeprefix("mlflow/")

    @property
    def family(self) -> str:
        """What it is about."""
        first = self.endpoint.partition("/")[0]
        return "traces" if "trace" in self.endpoint else _FAMILIES.get(first, first)


def routes_of(python: Path) -> list[Route]:
    """Ask the MLflow of an environment for the routes of its own server."""
    said = subprocess.run((python, SCRIPT), check=True, capture_output=True, text=True)
    return [Route(*each) for each in json.loads(said.stdout)]


def absent(routes: Iterable[Route], app: App) -> Mapping[str, Sequence[Route]]:
    """Return the routes of which Warren serves none that has the same endpoint, by their family."""
    same: dict[tuple[str, str], list[Route]] = defaultdict(list)
    for each in routes:
        if each.endpoint and not each.endpoint.startswith(_WEB_PAGES):
            same[each.method, each.endpoint].append(each)
    families: dict[str, list[Route]] = defaultdict(list)
    for variants in same.values():
        if not any(_is_served(each, app) for each in variants):
            families[variants[0].family].append(variants[0])
    return dict(sorted(families.items()))


def _is_served(route: Route, app: App) -> bool:
    found = app.routes.find(_VARIABLE.sub("x", route.path))
    return found is not None and route.method in found.methods


def section(families: Mapping[str, Sequence[Route]], version: str) -> str:
    """Return the part of the page."""
    count = sum(len(each) for each in families.values())
    rows = "".join(
        f"| {family} | {', '.join(_rows(found))} |\n" for family, found in families.items()
    )
    return (
        "\n## What is not there\n\n"
        f"{count} endpoints of MLflow {version}'s own server, by what they are about: its table of routes minus Warren's.\n"
        "Warren answers each with `ENDPOINT_NOT_FOUND`, but for some lists that the web UI reads under `/ajax-api`: they\n"
        "are empty. All others are there.\n\n"
        f"| about | endpoints |\n|---|---|\n{rows}"
    )


def _rows(routes: Sequence[Route]) -> Iterator[str]:
    methods: dict[str, list[str]] = defaultdict(list)
    for each in sorted(routes, key=lambda route: (route.endpoint, route.method)):
        methods[each.endpoint].append(each.method)
    for endpoint, named in methods.items():
        yield f"`{' '.join(named)} {endpoint}`"
