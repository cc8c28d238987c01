"""Looks for known vulnerabilities in the locked dependencies of deployments, with pip-audit.

pip-audit itself succeeds if its service does not know a package, and a mirror of PyPI knows none. Here a clean audit
has checked every package. Exit codes: 0 clean, 1 a known vulnerability, 2 not checked.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements/runtime.txt", "requirements/server.txt")

CLEAN, WEAK, UNKNOWN = range(3)
"""Exit statuses."""


def audit(options: Sequence[str]) -> int:
    """Print the findings and return an exit status."""
    found = subprocess.run(
        (
            *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"),
            *("--format", "json", "--progress-spinner", "off"),
            *(f"--requirement={ROOT / lock}" for lock in LOCKS),
            *options,
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return report(found.stdout)
    except ValueError:
        *_, reason = found.stderr.strip().splitlines() or ["pip-audit gave no reason"]
        print(f"Nothing was audited: pip-audit failed, or could not ask its service.\n{reason}")
        return UNKNOWN


def report(output: str) -> int:
    """Print a summary of pip-audit's JSON and return an exit status. Raises ValueError."""
    packages = {each["name"]: each for each in json.loads(output)["dependencies"]}
    unknown = [name for name, each in packages.items() if "skip_reason" in each]
    weak = [each for each in packages.values() if each.get("vulns")]
    for each in weak:
        for weakness in each["vulns"]:
            fixed = ", ".join(weakness["fix_versions"]) or "no version"
            print(f"{each['name']} {each['version']}: {weakness['id']}, fixed in {fixed}")
    if unknown:
        print(
            f"Not audited: {len(unknown)} of {len(packages)} packages, which the service does not know "
            f"({', '.join(unknown[:3])}, …). Is it PyPI's own, or a mirror?"
        )
    if weak:
        return WEAK
    if unknown or not packages:
        return UNKNOWN
    print(f"Audited: {len(packages)} packages without a known weakness.")
    return CLEAN


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tools.audit", description=__doc__, epilog="Options are those of pip-audit."
    )
    _, given = parser.parse_known_args()
    sys.exit(audit(given))
