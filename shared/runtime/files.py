"""Checks the files that settings name, when the settings are read. So an error can name the setting."""

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def _check_readable(path: Path) -> Path:
    try:
        path.open("rb").close()
    except OSError as error:
        message = f"{path} can't be read ({error.strerror})"
        raise ValueError(message) from None
    return path


def _check_authority(path: Path) -> Path:
    try:
        ssl.create_default_context(cafile=_check_readable(path))
    except ssl.SSLError:
        message = f"{path} holds no certificate in PEM format"
        raise ValueError(message) from None
    return path


ReadableFile = Annotated[Path, AfterValidator(_check_readable)]
"""The path of a file that this process can read."""

AuthorityFile = Annotated[Path, AfterValidator(_check_authority)]
"""The path of a PEM file with the authorities' certificates for checking another server's certificate."""
