"""Writes docs/metrics.md, the table of every metric."""

import argparse
from pathlib import Path

from shared.runtime.metrics import CATALOGUE

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
HEAD = """# Metrics

`/metrics` on the listener that `WARREN_MONITOR_PORT` opens, of each process; besides these there are Python's and the
process's own (`python_…`, `process_…`). `deploy/prometheus` holds a scrape configuration and alerts, `deploy/grafana` a
dashboard. Labels never name a project, a user or a path. This page is generated: `make docs`.

| metric | type | labels | meaning |
|---|---|---|---|
"""


def page() -> str:
    """Return the page as Markdown."""
    rows = (
        f"| `{each.name}` | {each.kind} | {', '.join(f'`{label}`' for label in each.labels)} "
        f"| {each.text} |\n"
        for each in CATALOGUE
    )
    return HEAD + "".join(rows)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())
    print(f"Written: {PAGE}")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m tools.metrics_page", description=__doc__).parse_args()
    main()
