"""The table of docs/ui.md: each page of the web UI, what it asks the API for, and what went wrong."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

BEGIN, END = "<!-- pages -->\n", "<!-- end of pages -->\n"
"""Comments of the page, between which the table is written."""

HEAD = "| page | address | asks the API for | errors |\n|---|---|---|---:|\n"

_VARIABLE = (
    (re.compile(r"\btr-[0-9a-f]{32}\b"), "{trace}"),
    (re.compile(r"\bm-[0-9a-f]{32}\b"), "{model}"),
    (re.compile(r"\bd-[0-9a-f]{32}\b"), "{dataset}"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "{run}"),
    (re.compile(r"(?<=/experiments/)\d+"), "{id}"),
    (re.compile(r"(?<=/mlflow-artifacts/artifacts/).*"), "…"),
)


class Visit(NamedTuple):
    """A page's fragment, its requests as method, URL and status, and its problems."""

    fragment: str
    requests: tuple[str, ...]
    problems: tuple[str, ...]


def write(page: Path, visits: Mapping[str, Visit]) -> None:
    """Replace the table of a page by one of these visits."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = "".join(_row(name, visit) for name, visit in visits.items())
    page.write_text(f"{before}{BEGIN}{HEAD}{rows}{END}{after}")


def _row(name: str, visit: Visit) -> str:
    address = _without_ids(urlsplit(visit.fragment).path)
    asked = ", ".join(f"`{each}`" for each in sorted(set(_endpoints(visit.requests))))
    return f"| {name} | `#{address}` | {asked or 'nothing'} | {len(visit.problems)} |\n"


def _endpoints(requests: Iterable[str]) -> Iterable[str]:
    for each in requests:
        method, url, _status = each.split(" ")
        path = urlsplit(url).path
        is_file = "/static-files/" in path or path.endswith("/") or path.startswith("/help/")
        if is_file or url.startswith(("blob:", "data:")):
            continue
        yield f"{method} {_without_ids(path.removeprefix('/ajax-api'))}"


def _without_ids(path: str) -> str:
    for pattern, name in _VARIABLE:
        path = pattern.sub(name, path)
    return path
