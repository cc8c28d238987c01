"""The version is the code's. Files that can't read it there repeat it, and are compared here."""

from pathlib import Path

import yaml

from shared.runtime.version import VERSION

ROOT = Path(__file__).parents[3]


def test_the_chart_installs_this_version():
    chart = yaml.safe_load((ROOT / "deploy/helm/warren/Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


def test_the_changelog_begins_with_this_version():
    headings = [
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    ]
    assert headings[0].removeprefix("## ").split()[0] == VERSION
