"""Files that settings name: looked at when the settings are read, so that the setting can be named."""

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def _readable(path: Path) -> Path:
    try:
        path.open("rb").close()
    except OSError as error:
        message = f"{path} can't be read ({error.strerror})"
        raise ValueError(message) from None
    return path


def _authority(path: Path) -> Path:
    try:
        ssl.create_default_context(cafile=_readable(path))
    except ssl.SSLError:
        message = f"{path} holds no certificate in PEM format"
        raise ValueError(message) from None
    return path


ReadableFile = Annotated[Path, AfterValidator(_readable)]
"""A file that this process may read."""

AuthorityFile = Annotated[Path, AfterValidator(_authority)]
"""A PEM file of the certificates that another server's is checked with."""
